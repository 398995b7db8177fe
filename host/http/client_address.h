#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace imgsrv::http {

// An address without port. IPv4 written as IPv6 (::ffff:192.0.2.1) is IPv4.
class IpAddress {
  public:
    // "192.0.2.1", "2001:db8::1". None for anything else: names, zones, white space.
    static std::optional<IpAddress> parse(std::string_view text);
    // Also accepts what proxies write: "192.0.2.1:4711", "[2001:db8::1]", "[2001:db8::1]:4711".
    static std::optional<IpAddress> parse_forwarded(std::string_view text);

    // The usual form (RFC 5952).
    std::string text() const;
    // What identifies one client: an IPv4 address, or the /64 that an IPv6 client may have to itself.
    std::string_view network() const { return {bytes_.data(), v4_ ? kV4Bytes : kNetworkBytes}; }

  private:
    static constexpr std::size_t kV4Bytes = 4;
    static constexpr std::size_t kNetworkBytes = 8;

    std::array<char, 16> bytes_{};  // network order
    bool v4_ = false;
};

// Who sent a request: the peer, or the client that trusted proxies report.
//
// Each proxy appends the address of its own client to X-Forwarded-For, so the field is read from the right: one trusted
// hop vouches for the last entry, a second hop for the entry before it, and so on. Reading stops after `hops` entries,
// at the start of the field, or before the first entry that is not an address ("unknown", a name, garbage); the last
// address read is the answer. So one trusted hop yields the last entry, all hops the first one, and with the right
// count nothing that a client made up is read.
std::string client_address(const std::string& peer, std::string_view forwarded_for, unsigned hops);

}  // namespace imgsrv::http
