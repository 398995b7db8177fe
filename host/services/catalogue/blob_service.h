#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <variant>

#include "domain/catalogue.h"
#include "domain/digest.h"
#include "ports/object_store.h"
#include "store/pool.h"

namespace imgsrv::services {

// Reading trusted blobs. Bytes that were not verified can never be reached through it.
class BlobService {
  public:
    BlobService(store::Pool& pool, ports::ObjectStore& objects) : pool_(pool), objects_(objects) {}

    // not_found names the digest.
    Result<domain::Blob> find(const ports::Call& call, std::string_view digest);

    // data_loss when it was found damaged; then neither open() gives anything out.
    static Status check_sound(const domain::Blob& blob);

    // A local descriptor when the store has one, else a stream from `offset` of `length` bytes.
    using Source = std::variant<UniqueFd, std::unique_ptr<ports::ByteReader>>;
    Result<Source> open(const ports::Call& call, const domain::Blob& blob, std::uint64_t offset, std::uint64_t length);
    // As a stream in any case. length none: to the end.
    Result<std::unique_ptr<ports::ByteReader>> open_stream(const ports::Call& call, const domain::Blob& blob,
                                                           std::uint64_t offset, std::optional<std::uint64_t> length);

  private:
    store::Pool& pool_;
    ports::ObjectStore& objects_;
};

}  // namespace imgsrv::services
