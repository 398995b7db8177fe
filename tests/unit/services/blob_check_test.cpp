#include "services/housekeeping/blob_check.h"

#include <catch2/catch.hpp>

#include "../text_reader.h"
#include "core/sha256.h"
#include "domain/digest.h"
#include "refusing_store.h"

using namespace imgsrv;
using namespace imgsrv::services;
using imgsrv::test::TextReader;

namespace {

// Has one object of five bytes, of which a stream gives out `text`.
class Fake final : public test::RefusingStore {
  public:
    explicit Fake(std::string text) : text_(std::move(text)) {}

    Result<ports::ObjectInfo> stat(const ports::Call&, std::string_view) override {
        return ports::ObjectInfo{"k", "e", 5, Time()};
    }
    Result<ports::OpenedObject> open(const ports::Call&, std::string_view, std::string_view, std::uint64_t,
                                     std::optional<std::uint64_t>) override {
        return ports::OpenedObject{{"k", "e", 5, Time()}, std::make_unique<TextReader>(text_)};
    }

  private:
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
