#include "http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace imgsrv::test {
namespace {

constexpr int kPatienceMs = 10'000;

sockaddr_storage parse_address(const std::string& address, socklen_t& length) {
    sockaddr_storage out{};
    const auto colon = address.rfind(':');
    const auto port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
    if (address.front() == '[') {
        auto& v6 = reinterpret_cast<sockaddr_in6&>(out);
        v6.sin6_family = AF_INET6;
        v6.sin6_port = port;
        ::inet_pton(AF_INET6, address.substr(1, colon - 2).c_str(), &v6.sin6_addr);
        length = sizeof v6;
    } else {
        auto& v4 = reinterpret_cast<sockaddr_in&>(out);
        v4.sin_family = AF_INET;
        v4.sin_port = port;
        ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &v4.sin_addr);
        length = sizeof v4;
    }
    return out;
}

bool wait_readable(int fd, int ms) {
    pollfd p{fd, POLLIN, 0};
    return ::poll(&p, 1, ms) == 1;
}

}  // namespace

void HttpClient::FreeSsl::operator()(SSL* ssl) const {
    ::SSL_free(ssl);
}

HttpClient::HttpClient(const std::string& address, int receive_buffer) {
    socklen_t length = 0;
    const auto where = parse_address(address, length);
    UniqueFd fd(::socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int one = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (receive_buffer > 0) ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const timeval patience{kPatienceMs / 1000, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&where), length) == 0) fd_ = std::move(fd);
}

HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;

bool HttpClient::start_tls(const TlsOptions& options) {
    const std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)> context(::SSL_CTX_new(::TLS_client_method()),
                                                                      ::SSL_CTX_free);
    // The tests' certificates are self-signed, and old versions must be offered in order to be refused.
    ::SSL_CTX_set_security_level(context.get(), 0);
    if (options.version != 0) {
        ::SSL_CTX_set_min_proto_version(context.get(), options.version);
        ::SSL_CTX_set_max_proto_version(context.get(), options.version);
    }
    ssl_.reset(::SSL_new(context.get()));
    if (!options.alpn.empty()) {
        const std::string list = static_cast<char>(options.alpn.size()) + options.alpn;
        ::SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(list.data()),
                              static_cast<unsigned>(list.size()));
    }
    ::SSL_set_fd(ssl_.get(), fd_.get());
    return ::SSL_connect(ssl_.get()) == 1;
}

bool HttpClient::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto n = ssl_
                           ? static_cast<ssize_t>(::SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())))
                           : ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

void HttpClient::finish_sending() {
    ::shutdown(fd_.get(), SHUT_WR);
}

void HttpClient::reset() {
    const linger now{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    fd_.reset();
}

bool HttpClient::fill() {
    std::array<char, 65536> bytes;  // NOLINT: filled below
    const auto n = ssl_ ? static_cast<ssize_t>(::SSL_read(ssl_.get(), bytes.data(), bytes.size()))
                        : ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    if (n < 0 && !ssl_ && (errno == EAGAIN || errno == EWOULDBLOCK))
        throw std::runtime_error("the server neither answers nor closes");
    if (n <= 0) return false;
    buffer_.append(bytes.data(), static_cast<std::size_t>(n));
    return true;
}

Reply HttpClient::reply(bool body_expected) {
    Reply reply;
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
        if (!fill()) return reply;
    const std::string head = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    reply.status = std::stoi(head.substr(9, 3));
    for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
        const auto line_end = head.find("\r\n", at);
        const auto colon = head.find(": ", at);
        std::string name = head.substr(at, colon - at);
        std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
        reply.headers[name] = head.substr(colon + 2, line_end - colon - 2);
        at = line_end + 2;
    }
    const std::string length_text = reply.header("content-length");
    const std::size_t length = body_expected && !length_text.empty() ? std::stoull(length_text) : 0;
    while (buffer_.size() < length && fill()) {
    }
    reply.body = buffer_.substr(0, length);
    reply.whole = reply.body.size() == length;
    buffer_.erase(0, reply.body.size());
    return reply;
}

std::string HttpClient::some() {
    if (buffer_.empty()) fill();
    return std::exchange(buffer_, {});
}

std::string HttpClient::rest() {
    while (fill()) {
    }
    return std::exchange(buffer_, {});
}

bool HttpClient::silent(std::chrono::milliseconds time) {
    return buffer_.empty() && !wait_readable(fd_.get(), static_cast<int>(time.count()));
}

std::string get(std::string_view target, std::string_view fields) {
    return "GET " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n" + std::string(fields) + "\r\n";
}

std::string with_body(std::string_view method, std::string_view target, std::string_view body,
                      std::string_view fields) {
    return std::string(method) + " " + std::string(target) +
           " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(fields) +
           "\r\n" + std::string(body);
}

}  // namespace imgsrv::test
