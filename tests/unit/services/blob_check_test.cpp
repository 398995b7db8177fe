#include "services/blob_check.h"

#include <catch2/catch.hpp>

#include "../text_reader.h"
#include "core/sha256.h"
#include "domain/digest.h"

using namespace imgsrv;
using namespace imgsrv::services;
using imgsrv::test::TextReader;

namespace {

// Has one object of five bytes, of which a stream gives out `text`.
class Fake final : public ports::ObjectStore {
  public:
    explicit Fake(std::string text) : text_(std::move(text)) {}

    Result<ports::ObjectInfo> stat(const ports::Call&, std::string_view) override {
        return ports::ObjectInfo{"k", "e", 5, Time()};
    }
    Result<ports::OpenedObject> open(const ports::Call&, std::string_view, std::string_view, std::uint64_t,
                                     std::optional<std::uint64_t>) override {
        return ports::OpenedObject{{"k", "e", 5, Time()}, std::make_unique<TextReader>(text_)};
    }
    Result<ports::ObjectInfo> put(const ports::Call&, std::string_view, ports::ByteReader&, ports::Overwrite) override {
        return refuse();
    }
    Result<ports::ObjectInfo> copy(const ports::Call&, std::string_view, std::string_view, ports::Overwrite) override {
        return refuse();
    }
    Status remove(const ports::Call&, std::string_view) override { return refuse(); }
    Result<ports::ObjectPage> list(const ports::Call&, std::string_view, std::string_view, std::uint32_t) override {
        return refuse();
    }
    Result<std::string> multipart_create(const ports::Call&, std::string_view, std::uint64_t) override {
        return refuse();
    }
    Result<std::string> multipart_put(const ports::Call&, std::string_view, std::string_view, std::uint32_t,
                                      ports::ByteReader&) override {
        return refuse();
    }
    Result<ports::ObjectInfo> multipart_complete(const ports::Call&, std::string_view, std::string_view,
                                                 std::span<const ports::StoredPart>) override {
        return refuse();
    }
    Status multipart_abort(const ports::Call&, std::string_view, std::string_view) override { return refuse(); }
    Result<std::vector<ports::MultipartUpload>> multipart_list(const ports::Call&, std::string_view) override {
        return refuse();
    }
    bool can_open_part() const override { return false; }
    Result<std::unique_ptr<ports::ByteReader>> open_part(const ports::Call&, std::string_view, std::string_view,
                                                         const ports::StoredPart&, std::uint64_t) override {
        return refuse();
    }
    std::uint64_t least_part() const override { return 0; }
    bool can_open_fd() const override { return false; }
    Result<UniqueFd> open_fd(const ports::Call&, std::string_view) override { return refuse(); }
    Status health(const ports::Call&) override { return {}; }

  private:
    static Status refuse() { return {Code::unimplemented, "not of this store"}; }

    const std::string text_;
};

Result<std::optional<std::string>> checked(const std::string& text) {
    Sha256 hash;
    hash.update(std::as_bytes(std::span(std::string_view("image"))));
    const domain::Blob blob{domain::Digest::from_hex(hash.hex()).text(), 5, "k", Time(), std::nullopt};
    Fake store(text);
    return check_blob(ports::Call(), store, blob, {true, 0, nullptr});
}

}  // namespace

TEST_CASE("a sound blob has no damage, one with other bytes has") {
    CHECK(!checked("image").value());
    CHECK(checked("imagE").value()->find("holds 5 bytes that hash to") == 0);
}

TEST_CASE("a stream that ends early says nothing of the blob") {
    const std::string cut = GENERATE("", "imag");
    const auto damage = checked(cut);
    CHECK(damage.status().code() == Code::unavailable);
    CHECK(damage.status().retryable());
}
