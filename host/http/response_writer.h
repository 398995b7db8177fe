#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/status.h"
#include "http/message.h"
#include "http/socket_stream.h"

namespace imgsrv::http {

// One response being sent. Copies at most kInlineBody bytes of a body it does not own, or one chunk of a stream.
class ResponseWriter {
  public:
    struct Options {
        bool head_request = false;
        bool http11 = true;
        bool close = false;
        bool alone = false;  // no other request is in flight
        std::string_view request_id;
    };
    ResponseWriter(Response response, const Options& options);
    ResponseWriter(const ResponseWriter&) = delete;
    ResponseWriter& operator=(const ResponseWriter&) = delete;

    enum class Step {
        done,          // everything was handed to the kernel
        blocked,       // once the socket is writable
        blocked_read,  // once the socket is readable (TLS)
        yield,         // its share was sent; other connections come first
        refill,        // refill() is needed
        failed,        // the client is gone, or the file is shorter than promised
    };
    // Sends what it can without waiting. [loop]
    Step send(SocketStream& stream, std::span<std::byte> scratch);
    // After Step::refill: reads the stream's next chunk, or the file into the page cache, so that the loop never waits
    // for a disk. May block. data_loss when the stream ends too early. [worker]
    Status refill();

    int status() const { return status_; }
    // Bytes of the body handed to the kernel.
    std::uint64_t body_sent() const;
    // The stream's reader, if any. Destroying it may block.
    std::unique_ptr<ports::ByteReader> take_reader();

  private:
    bool needs_refill() const;
    Status next_chunk(StreamBody& stream);
    void warm(const FileBody& file);
    IoResult send_some(SocketStream& stream, std::span<std::byte> scratch);

    int status_;
    std::string head_;             // followed by a short body
    std::size_t head_length_ = 0;  // without that body
    std::size_t head_sent_ = 0;
    Body body_;               // what is not in head_
    std::uint64_t left_ = 0;  // of body_
    std::uint64_t sent_ = 0;  // of body_
    bool corked_ = false;
    std::uint64_t warm_ = 0;  // the file is in the page cache up to here
    std::unique_ptr<std::byte[]> chunk_;
    std::span<const std::byte> unsent_;  // of chunk_
};

}  // namespace imgsrv::http
