#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace imgsrv::http {

// An address without port. IPv4 that is written as IPv6 (::ffff:192.0.2.1) is IPv4.
class IpAddress {
  public:
    // "192.0.2.1", "2001:db8::1". None for anything else: names, zones, blanks.
    static std::optional<IpAddress> parse(std::string_view text);
    // Also what proxies write: "192.0.2.1:4711", "[2001:db8::1]", "[2001:db8::1]:4711".
    static std::optional<IpAddress> parse_forwarded(std::string_view text);

    // The usual form (RFC 5952).
    std::string text() const;
    // What one client can be told by: an IPv4 address, or the /64 that one IPv6 client may have for itself.
    std::string_view network() const { return {bytes_.data(), v4_ ? kV4Bytes : kNetworkBytes}; }

  private:
    static constexpr std::size_t kV4Bytes = 4;
    static constexpr std::size_t kNetworkBytes = 8;

    std::array<char, 16> bytes_{};  // network order
    bool v4_ = false;
};

// Who sent a request: the peer, or whom trusted proxies say they were asked by.
//
// Each proxy appends to X-Forwarded-For the address that asked it, so the field is read from the right: the peer is
// believed about the last entry when at least one hop is trusted, the address found there about the one before it when
// two are, and so on. Reading ends after `hops` entries, at the field's begin, and before the first entry that is no
// address ("unknown", a name, garbage); the last address read is the answer. So one trusted hop means the last entry,
// all hops the first one, and nothing that a client invents is read when the count is right.
std::string client_address(const std::string& peer, std::string_view forwarded_for, unsigned hops);

}  // namespace imgsrv::http
