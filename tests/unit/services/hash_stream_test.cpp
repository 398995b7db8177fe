#include "services/uploads/hash_stream.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <string>

#include "core/cancel.h"

using namespace imgsrv;
using namespace imgsrv::services;

namespace {

// Yields `text` a few bytes at a time; fails, or cancels, once `trouble_at` of them are out.
class Source final : public ports::ByteReader {
  public:
    Source(std::string text, std::size_t step) : text_(std::move(text)), step_(step) {}
    std::optional<std::uint64_t> size() const override { return text_.size(); }
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        if (at_ >= trouble_at) return on_trouble();
        const std::size_t n = std::min({buffer.size(), text_.size() - at_, step_});
        std::memcpy(buffer.data(), text_.data() + at_, n);
        at_ += n;
        return n;
    }

    std::size_t trouble_at = std::string::npos;
    std::function<Result<std::size_t>()> on_trouble;

  private:
    std::string text_;
    std::size_t step_;
    std::size_t at_ = 0;
};

std::string hash_of(std::string_view text) {
    Sha256 hash;
    hash.update(std::as_bytes(std::span(text)));
    return hash.hex();
}

}  // namespace

TEST_CASE("a stream read ahead hashes as its bytes do, from where the hash stood") {
    const std::size_t size = GENERATE(0u, 1u, 512u * 1024, 512u * 1024 + 1, 1024u * 1024, 3'000'000u);
    const std::size_t step = GENERATE(70'000u, 4'000'000u);
    CAPTURE(size, step);
    std::string text(size, 'x');
    for (std::size_t i = 0; i < size; i += 1000) text[i] = static_cast<char>(i / 1000);
    Sha256 hash;
    hash.update(std::as_bytes(std::span("before", 6)));
    Source source(text, step);
    REQUIRE(hash_stream({}, source, hash).ok());
    CHECK(hash.hex() == hash_of("before" + text));
}

TEST_CASE("what the reader reports ends the hashing") {
    Source source(std::string(3'000'000, 'x'), 100'000);
    source.trouble_at = 2'000'000;
    source.on_trouble = [] { return Status(Code::data_loss, "torn"); };
    Sha256 hash;
    CHECK(hash_stream({}, source, hash).code() == Code::data_loss);
}

TEST_CASE("a cancelled call ends the hashing") {
    const auto cancellation = std::make_shared<Cancellation>();
    Source source(std::string(3'000'000, 'x'), 100'000);
    source.trouble_at = 1'000'000;
    source.on_trouble = [&]() -> Result<std::size_t> {
        cancellation->cancel();
        source.trouble_at = std::string::npos;
        return 1;
    };
    Sha256 hash;
    CHECK(hash_stream({"", std::nullopt, cancellation}, source, hash).code() == Code::cancelled);
}
