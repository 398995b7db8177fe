#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/sha256.h"
#include "ports/byte_reader.h"
#include "services/uploads/parts_in_flight.h"

namespace imgsrv::services {

// The body of one part on its way from the client to the store: hashed and counted as it passes. At its end it is
// judged, and a body that is too long, superseded or of another digest ends in an error, so that the store never keeps
// it.
class PartBody final : public ports::ByteReader {
  public:
    struct Checks {
        std::uint64_t max_bytes = 0;              // too_large over it
        std::string too_large;                    // what to say then
        std::optional<std::string> expected_hex;  // SHA-256 of the part as the client declared it
        std::function<Status()> at_end = {};      // called when all is good, before the store is told of the end
    };

    // running: the session's hash to carry forward, or null. All arguments outlive the body.
    PartBody(ports::ByteReader& source, PartsInFlight::Receipt& receipt, Sha256* running, Checks checks);

    std::optional<std::uint64_t> size() const override { return source_.size(); }
    Result<std::size_t> read(std::span<std::byte> buffer) override;

    std::uint64_t bytes() const { return bytes_; }
    // Why a read failed, when one did. A store wraps the cause; this is the cause itself.
    const Status& failure() const { return failure_; }

  private:
    Result<std::size_t> read_checked(std::span<std::byte> buffer);

    ports::ByteReader& source_;
    PartsInFlight::Receipt& receipt_;
    Sha256* running_;
    Checks checks_;
    std::optional<Sha256> own_;
    std::uint64_t bytes_ = 0;
    Status failure_;
};

}  // namespace imgsrv::services
