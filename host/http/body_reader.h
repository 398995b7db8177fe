#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/cancel.h"
#include "http/chunk_decoder.h"
#include "http/inbox.h"
#include "http/socket_stream.h"
#include "ports/byte_reader.h"

namespace imgsrv::http {

// The body of one request, read by the worker that runs its handler. Until the handler returns, stream and inbox belong
// to that worker.
class BodyReader final : public ports::ByteReader {
  public:
    struct Options {
        std::optional<std::uint64_t> length;  // absent with chunked framing
        bool chunked = false;
        bool expects_continue = false;
        std::uint64_t limit = 0;  // of a chunked body; too_large over it
        std::chrono::milliseconds timeout{};
        CancelToken cancel;
    };
    // stream and inbox outlive the reader.
    BodyReader(SocketStream& stream, Inbox& inbox, Options options);

    std::optional<std::uint64_t> size() const override;
    // deadline: the client was silent for too long; cancelled: it hung up, or the server is stopping; invalid_argument:
    // malformed chunks; too_large. After an error, every read returns the same error.
    Result<std::size_t> read(std::span<std::byte> buffer) override;

    // The whole body was read; the next request starts at the inbox's first byte.
    bool finished() const;
    // Bytes of the body read so far.
    std::uint64_t received() const { return received_; }
    // Why reading failed; ok if it did not.
    Code failure() const { return failure_.code(); }

  private:
    Result<std::size_t> read_counted(std::span<std::byte> buffer);
    Result<std::size_t> read_chunked(std::span<std::byte> buffer);
    Result<std::size_t> receive(std::span<std::byte> buffer);
    Status wait(Io direction);
    Status send_continue();

    SocketStream& stream_;
    Inbox& inbox_;
    Options options_;
    std::unique_ptr<ChunkDecoder> decoder_;
    std::uint64_t received_ = 0;
    Status failure_;
};

}  // namespace imgsrv::http
