#pragma once

#include <functional>

#include "ports/byte_reader.h"

namespace imgsrv::services {

// Passes a stream through and, when it ends, runs one action before the reader learns of the end. If the action fails,
// the stream fails with its status instead of ending.
//
// This is how something can happen between the last byte of a body and the moment when an object store keeps it: stores
// pull, so only the stream knows when that is. The action runs once, on the thread that reads, inside the store's call.
class EndGate final : public ports::ByteReader {
  public:
    using Action = std::function<Status()>;

    // source outlives the gate.
    EndGate(ports::ByteReader& source, Action before_end);

    std::optional<std::uint64_t> size() const override { return source_.size(); }
    Result<std::size_t> read(std::span<std::byte> buffer) override;

    // True once the action succeeded and the end was passed on.
    bool passed() const { return passed_; }
    // Why the stream or the action failed; OK if neither did. A store may report it in its own words: this is the
    // cause.
    const Status& failure() const { return failure_; }

  private:
    ports::ByteReader& source_;
    const Action before_end_;
    bool passed_ = false;
    Status failure_;
};

}  // namespace imgsrv::services
