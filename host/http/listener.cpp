#include "http/listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <array>
#include <cstring>

namespace imgsrv::http {
namespace {

constexpr int kBacklog = 4096;

struct HostPort {
    std::string host;  // empty: every address
    std::string port;
};

Result<HostPort> split_address(const std::string& address) {
    const auto colon = address.rfind(':');
    const auto bad = [&] {
        return Status(Code::invalid_argument,
                      "'" + address + "' is not an address to listen on; write HOST:PORT, [IPV6]:PORT or :PORT");
    };
    if (colon == std::string::npos || colon + 1 == address.size()) return bad();
    HostPort parts{address.substr(0, colon), address.substr(colon + 1)};
    if (parts.port.size() > 5 || parts.port.find_first_not_of("0123456789") != std::string::npos ||
        std::stoul(parts.port) > 65535)
        return bad();
    if (parts.host.starts_with('[')) {
        if (!parts.host.ends_with(']') || parts.host.size() < 3) return bad();
        parts.host = parts.host.substr(1, parts.host.size() - 2);
    } else if (parts.host.find(':') != std::string::npos) {
        return bad();
    }
    return parts;
}

void set_option(int fd, int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof value);
}

// A bound and listening socket; empty on failure, with errno set.
UniqueFd listen_on(const addrinfo& candidate, bool dual_stack) {
    UniqueFd fd(::socket(candidate.ai_family, candidate.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return fd;
    set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    // Accepted sockets inherit these.
    set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
    if (candidate.ai_family == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, dual_stack ? 0 : 1);
    if (::bind(fd.get(), candidate.ai_addr, candidate.ai_addrlen) != 0 || ::listen(fd.get(), kBacklog) != 0) {
        const int error = errno;
        fd.reset();
        errno = error;
    }
    return fd;
}

}  // namespace

Status check_address(const std::string& address) {
    return split_address(address).status();
}

std::string address_text(const sockaddr_storage& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.ss_family == AF_INET) {
        ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text.data(), text.size());
    } else if (address.ss_family == AF_INET6) {
        const auto& ip = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(&ip))
            ::inet_ntop(AF_INET, &ip.s6_addr[12], text.data(), text.size());
        else
            ::inet_ntop(AF_INET6, &ip, text.data(), text.size());
    }
    return text.data();
}

Result<std::unique_ptr<Listener>> Listener::open(const ListenerOptions& options) {
    std::unique_ptr<Listener> listener(new Listener(options));
    if (listener->tls()) IMGSRV_TRY(listener->reload_tls());
    IMGSRV_TRY(listener->bind());
    return listener;
}

Status Listener::bind() {
    IMGSRV_ASSIGN(const HostPort where, split_address(options_.address));
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const auto cannot = [&](const char* why) {
        return Status(Code::unavailable, "cannot listen on " + options_.address + ": " + why);
    };
    const char* const host = where.host.empty() ? nullptr : where.host.c_str();
    if (const int failed = ::getaddrinfo(host, where.port.c_str(), &hints, &found); failed != 0)
        return cannot(::gai_strerror(failed));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> candidates(found, ::freeaddrinfo);

    int error = 0;
    const auto try_family = [&](int family) {
        for (const addrinfo* one = found; one != nullptr && !fd_; one = one->ai_next) {
            if (family != AF_UNSPEC && one->ai_family != family) continue;
            fd_ = listen_on(*one, host == nullptr);
            if (!fd_) error = errno;
        }
    };
    if (host != nullptr) {
        try_family(AF_UNSPEC);
    } else {
        // Every address: one IPv6 socket that accepts IPv4 too, or IPv4 alone if the machine has no IPv6.
        try_family(AF_INET6);
        if (!fd_ && error != EADDRINUSE) try_family(AF_INET);
    }
    if (!fd_) return cannot(std::strerror(error));

    sockaddr_storage bound{};
    socklen_t length = sizeof bound;
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&bound), &length);
    const bool v6 = bound.ss_family == AF_INET6;
    const unsigned port = ntohs(v6 ? reinterpret_cast<const sockaddr_in6&>(bound).sin6_port
                                   : reinterpret_cast<const sockaddr_in&>(bound).sin_port);
    const std::string ip = address_text(bound);
    address_ = (v6 ? "[" + ip + "]" : ip) + ":" + std::to_string(port);
    return {};
}

TlsContext Listener::tls_context() const {
    const std::lock_guard lock(mutex_);
    return context_;
}

Status Listener::reload_tls() {
    if (!tls()) return {};
    IMGSRV_ASSIGN(auto fresh, load_tls_context(options_.tls_certificate, options_.tls_key));
    const std::lock_guard lock(mutex_);
    context_ = std::move(fresh);
    return {};
}

}  // namespace imgsrv::http
