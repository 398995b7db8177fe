#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/sha256.h"
#include "ports/byte_reader.h"
#include "services/uploads/parts_in_flight.h"

namespace imgsrv::services {

// The body of one part on its way from the client to the store: counts and hashes the bytes as they pass. A body that
// is too long, superseded or of another digest than declared ends in an error instead of an end, so that the store does
// not keep it.
class PartBody final : public ports::ByteReader {
  public:
    struct Checks {
        std::uint64_t max_bytes = 0;              // more than that is too_large
        std::string too_large;                    // the message then
        std::optional<std::string> expected_hex;  // SHA-256 of the part as the client declared it
    };

    // running: the session's hash, which is carried forward over these bytes; may be null. All arguments outlive the
    // body.
    PartBody(ports::ByteReader& source, PartsInFlight::Receipt& receipt, Sha256* running, Checks checks);

    std::optional<std::uint64_t> size() const override { return source_.size(); }
    Result<std::size_t> read(std::span<std::byte> buffer) override;

    std::uint64_t bytes() const { return bytes_; }

  private:
    ports::ByteReader& source_;
    PartsInFlight::Receipt& receipt_;
    Sha256* running_;
    const Checks checks_;
    std::optional<Sha256> own_;
    std::uint64_t bytes_ = 0;
};

}  // namespace imgsrv::services
