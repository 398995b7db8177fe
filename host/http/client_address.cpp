#include "http/client_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "http/message.h"

namespace imgsrv::http {
namespace {

bool is_port(std::string_view text) {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc() && end == text.data() + text.size() && port <= 65'535;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
    std::copy(text.begin(), text.end(), terminated.begin());
    IpAddress address;
    if (::inet_pton(AF_INET, terminated.data(), address.bytes_.data()) == 1) {
        address.v4_ = true;
        return address;
    }
    in6_addr v6{};
    if (::inet_pton(AF_INET6, terminated.data(), &v6) != 1) return std::nullopt;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
        address.v4_ = true;
        std::memcpy(address.bytes_.data(), &v6.s6_addr[12], kV4Bytes);
    } else {
        std::memcpy(address.bytes_.data(), &v6, sizeof v6);
    }
    return address;
}

std::optional<IpAddress> IpAddress::parse_forwarded(std::string_view text) {
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos) return std::nullopt;
        const std::string_view rest = text.substr(close + 1);
        if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) return std::nullopt;
        const std::string_view inner = text.substr(1, close - 1);
        return inner.find(':') != std::string_view::npos ? parse(inner) : std::nullopt;
    }
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) return parse(text);
    return is_port(text.substr(colon + 1)) ? parse(text.substr(0, colon)) : std::nullopt;
}

std::string IpAddress::text() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(v4_ ? AF_INET : AF_INET6, bytes_.data(), text.data(), text.size());
    return text.data();
}

std::string client_address(const std::string& peer, std::string_view forwarded_for, unsigned hops) {
    std::optional<IpAddress> found;
    while (hops > 0 && !forwarded_for.empty()) {
        const auto comma = forwarded_for.rfind(',');
        const auto entry = trim(comma == std::string_view::npos ? forwarded_for : forwarded_for.substr(comma + 1));
        forwarded_for = comma == std::string_view::npos ? std::string_view() : forwarded_for.substr(0, comma);
        if (entry.empty()) continue;  // RFC 9110, section 5.6.1.2: empty elements do not count
        const auto address = IpAddress::parse_forwarded(entry);
        if (!address) break;
        found = address;
        --hops;
    }
    return found ? found->text() : peer;
}

}  // namespace imgsrv::http
