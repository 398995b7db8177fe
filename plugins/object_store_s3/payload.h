#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "sigv4.h"
#include "transfer.h"

namespace imgsrv::s3 {

// The bytes of one request before they are framed for the wire; of known size, in bounded memory.
class Payload {
  public:
    virtual ~Payload() = default;
    virtual std::uint64_t size() const = 0;
    // Their SHA-256 in hex, where it is known before they are sent.
    virtual std::optional<std::string> sha256() const { return std::nullopt; }
    // 1 to buffer.size() bytes as long as some are left.
    virtual std::size_t read(std::span<std::byte> buffer) = 0;
    // Starts again at the first byte; false when the source cannot be read twice.
    virtual bool restart() = 0;
};

// In memory.
class TextPayload final : public Payload {
  public:
    explicit TextPayload(std::string text) : text_(std::move(text)), sha256_(sha256_hex(text_)) {}

    std::uint64_t size() const override { return text_.size(); }
    std::optional<std::string> sha256() const override { return sha256_; }
    std::size_t read(std::span<std::byte> buffer) override;
    bool restart() override { return given_ = 0, true; }

  private:
    const std::string text_;
    const std::string sha256_;
    std::size_t given_ = 0;
};

// The body that the host lends, made ready to be sent: a small one is read into memory, one of unknown size into a file
// without a name, and so is one below rereadable_below bytes; a large one passes through as it comes. Whichever it is,
// its last byte is not handed on before the body said that it is over and right (rule S4): a store that did not get all
// it was promised stores nothing. Throws what the body reports, and INVALID_ARGUMENT when its size is not what it
// announced.
std::unique_ptr<Payload> make_payload(const sdk::Call& call, sdk::Reader& body, const std::string& spool_folder,
                                      std::uint64_t rereadable_below = 0);

// A payload on its way, hashed as it passes, so that it can be compared with the answer's etag.
class MeasuredBody final : public UploadBody {
  public:
    explicit MeasuredBody(Payload& payload) : payload_(payload) {}

    std::uint64_t size() const override { return payload_.size(); }
    std::size_t read(std::span<std::byte> buffer) override;
    // Of all that was sent.
    std::string md5() const { return md5_.hex(); }

  private:
    Payload& payload_;
    RunningDigest md5_ = RunningDigest::md5();
};

// A payload in the framing aws-chunked: each chunk carries a signature that follows from the one before, so that the
// store checks every byte, although their hash was unknown when the request began.
class ChunkSignedBody final : public UploadBody {
  public:
    // seed: the signature of the request.
    ChunkSignedBody(Payload& payload, Signer signer, std::string seed);

    std::uint64_t size() const override { return wire_size(payload_.size()); }
    std::size_t read(std::span<std::byte> buffer) override;
    static std::uint64_t wire_size(std::uint64_t payload_size);

  private:
    void next_chunk();

    Payload& payload_;
    Signer signer_;
    std::string previous_;
    std::uint64_t taken_ = 0;
    bool last_made_ = false;
    std::string framed_;  // the chunk being sent; from given_ on
    std::size_t given_ = 0;
};

}  // namespace imgsrv::s3
