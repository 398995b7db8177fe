#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

using SSL = struct ssl_st;

namespace imgsrv::http {

// How a non-blocking operation ended.
enum class Io {
    done,        // `bytes` were transferred (or the handshake is complete)
    want_read,   // try again once the socket is readable
    want_write,  // try again once the socket is writable
    end,         // the other side has stopped sending
    failed,      // the connection is unusable
};

struct IoResult {
    Io outcome = Io::failed;
    std::size_t bytes = 0;
};

// The bytes of one accepted, non-blocking socket, with or without TLS. Does not own the descriptor. One thread at a
// time. SIGPIPE must be blocked in every thread that writes.
class SocketStream {
  public:
    explicit SocketStream(int fd);
    ~SocketStream();
    SocketStream(const SocketStream&) = delete;
    SocketStream& operator=(const SocketStream&) = delete;

    int fd() const { return fd_; }
    bool tls() const { return ssl_ != nullptr; }
    // Switches to TLS. `ssl` is a server session without a socket; the stream takes ownership.
    void start_tls(SSL* ssl);
    IoResult handshake();

    IoResult read(std::span<std::byte> buffer);
    // more: further bytes follow at once, so the kernel may wait to fill a segment.
    IoResult write(std::span<const std::byte> bytes, bool more);
    // Sends up to `length` bytes of a file; `scratch` is for TLS, which cannot send from the page cache. `end`: the
    // file is shorter than expected.
    IoResult send_file(int file, std::uint64_t offset, std::uint64_t length, std::span<std::byte> scratch);
    // While on, only full segments are sent (TCP_CORK, tcp(7)). No effect on TLS.
    void set_cork(bool on);
    // Received bytes are buffered inside, so that the socket may not become readable for them.
    bool has_pending() const;
    // Bytes handed to the kernel that the other side has not acknowledged yet.
    std::size_t in_flight() const;
    // Tells the other side that nothing more will be sent.
    void finish_sending();
    // Discards received bytes unread, at most as many at a time as scratch would hold.
    IoResult discard(std::span<std::byte> scratch);

  private:
    struct FreeSsl {
        void operator()(SSL* ssl) const;
    };
    IoResult tls_outcome(int result, std::size_t bytes);

    int fd_;
    std::unique_ptr<SSL, FreeSsl> ssl_;
};

}  // namespace imgsrv::http
