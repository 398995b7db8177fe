#include "http/socket_stream.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace imgsrv::http {
namespace {

IoResult plain_outcome(ssize_t n, Io when_blocked) {
    if (n > 0) return {Io::done, static_cast<std::size_t>(n)};
    if (n == 0) return {Io::end, 0};
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {when_blocked, 0};
    return {Io::failed, 0};
}

}  // namespace

void SocketStream::FreeSsl::operator()(SSL* ssl) const {
    ::SSL_free(ssl);
}

SocketStream::SocketStream(int fd) : fd_(fd) {}
SocketStream::~SocketStream() = default;

void SocketStream::start_tls(SSL* ssl) {
    ssl_.reset(ssl);
    ::SSL_set_fd(ssl, fd_);
    ::SSL_set_accept_state(ssl);
}

IoResult SocketStream::tls_outcome(int result, std::size_t bytes) {
    if (result > 0) return {Io::done, bytes};
    switch (::SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_WANT_READ:
            return {Io::want_read, 0};
        case SSL_ERROR_WANT_WRITE:
            return {Io::want_write, 0};
        case SSL_ERROR_ZERO_RETURN:
            return {Io::end, 0};
        default:
            return {Io::failed, 0};
    }
}

IoResult SocketStream::handshake() {
    ::ERR_clear_error();
    return tls_outcome(::SSL_do_handshake(ssl_.get()), 0);
}

IoResult SocketStream::read(std::span<std::byte> buffer) {
    if (!ssl_) return plain_outcome(::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT), Io::want_read);
    ::ERR_clear_error();
    std::size_t n = 0;
    const int result = ::SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &n);
    return tls_outcome(result, n);
}

IoResult SocketStream::write(std::span<const std::byte> bytes, bool more) {
    if (!ssl_) {
        const int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0);
        return plain_outcome(::send(fd_, bytes.data(), bytes.size(), flags), Io::want_write);
    }
    ::ERR_clear_error();
    std::size_t n = 0;
    const int result = ::SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &n);
    return tls_outcome(result, n);
}

IoResult SocketStream::send_file(int file, std::uint64_t offset, std::uint64_t length, std::span<std::byte> scratch) {
    if (!ssl_) {
        auto at = static_cast<off_t>(offset);
        return plain_outcome(::sendfile(fd_, file, &at, length), Io::want_write);
    }
    // OpenSSL requires that a blocked write is repeated with the same bytes. They are read again from the same offset,
    // so that a slow client needs no buffer.
    const std::size_t wanted = std::min<std::uint64_t>(length, scratch.size());
    const ssize_t got = ::pread(file, scratch.data(), wanted, static_cast<off_t>(offset));
    if (got == 0) return {Io::end, 0};
    if (got < 0) return {Io::failed, 0};
    const auto bytes = scratch.first(static_cast<std::size_t>(got));
    std::size_t written = 0;
    while (written < bytes.size()) {  // one TLS record at a time
        const IoResult result = write(bytes.subspan(written), false);
        if (result.outcome != Io::done) return written > 0 ? IoResult{Io::done, written} : result;
        written += result.bytes;
    }
    return {Io::done, written};
}

void SocketStream::set_cork(bool on) {
    const int value = on ? 1 : 0;
    if (!ssl_) ::setsockopt(fd_, IPPROTO_TCP, TCP_CORK, &value, sizeof value);
}

bool SocketStream::has_pending() const {
    return ssl_ && ::SSL_has_pending(ssl_.get()) == 1;
}

std::size_t SocketStream::in_flight() const {
    int bytes = 0;
    return ::ioctl(fd_, SIOCOUTQ, &bytes) == 0 ? static_cast<std::size_t>(bytes) : 0;
}

void SocketStream::finish_sending() {
    if (ssl_ && ::SSL_is_init_finished(ssl_.get())) {
        ::ERR_clear_error();
        ::SSL_shutdown(ssl_.get());
    }
    ::shutdown(fd_, SHUT_WR);
}

IoResult SocketStream::discard(std::span<std::byte> scratch) {
    // With MSG_TRUNC TCP drops the bytes instead of copying them.
    return plain_outcome(::recv(fd_, scratch.data(), scratch.size(), MSG_DONTWAIT | MSG_TRUNC), Io::want_read);
}

}  // namespace imgsrv::http
