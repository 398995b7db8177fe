#pragma once

#include "client.h"

namespace imgsrv::s3 {

// A range of one object as a stream. When its connection breaks, it resumes on another one where it stopped, as long as
// the object is still the one with the etag it began with: bytes of two objects never mix (rule S9).
class Download final : public sdk::ByteSource {
  public:
    // transfer: an answer to a request for exactly this range, whose headers have arrived; null: requested when needed.
    Download(Client& client, std::string key, std::string etag, std::uint64_t offset, std::uint64_t length,
             std::unique_ptr<Transfer> transfer);

    std::optional<std::uint64_t> size() const override { return length_; }
    std::size_t read(std::span<std::byte> buffer) override;
    bool can_rewind() const override { return true; }
    void rewind() override;

  private:
    void reopen();

    Client& client_;
    const std::string key_;
    const std::string etag_;
    const std::uint64_t offset_;
    const std::uint64_t length_;
    std::uint64_t position_ = 0;
    std::unique_ptr<Transfer> transfer_;
};

}  // namespace imgsrv::s3
