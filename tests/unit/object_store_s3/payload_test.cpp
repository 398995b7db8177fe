#include "payload.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

using namespace imgsrv;
using namespace imgsrv::s3;
using Catch::Contains;

namespace {

constexpr std::size_t kMebibyte = 1 << 20;

// A reader of the host's over a text, which may lie about its size and may rewind.
class Source {
  public:
    explicit Source(std::string text, std::int64_t announced, bool rewinds = false) : text_(std::move(text)) {
        raw_.struct_size = sizeof raw_;
        raw_.size = announced;
        raw_.ctx = this;
        raw_.read = [](void* ctx, void* to, std::size_t cap, imgsrv_error*) noexcept -> std::int64_t {
            auto& self = *static_cast<Source*>(ctx);
            const std::size_t n = std::min({cap, self.text_.size() - self.given_, std::size_t{70'001}});
            std::memcpy(to, self.text_.data() + self.given_, n);
            self.given_ += n;
            self.saw_end_ = self.saw_end_ || n == 0;
            return static_cast<std::int64_t>(n);
        };
        if (rewinds) {
            raw_.rewind = [](void* ctx, imgsrv_error*) noexcept -> imgsrv_code {
                static_cast<Source*>(ctx)->given_ = 0;
                return IMGSRV_OK;
            };
        }
    }

    std::unique_ptr<Payload> payload(std::uint64_t rereadable_below = 0) {
        return make_payload(call_, reader_, "/tmp", rereadable_below);
    }
    bool saw_end() const { return saw_end_; }

  private:
    std::string text_;
    imgsrv_reader raw_{};
    sdk::Reader reader_{&raw_};
    sdk::Call call_{nullptr};
    std::size_t given_ = 0;
    bool saw_end_ = false;
};

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
    return text;
}

template <class Body>
std::string drain(Body& body, std::uint64_t size, std::size_t step = 65'536) {
    std::string out;
    std::vector<std::byte> block(step);
    while (out.size() < size) {
        const auto n = body.read(block);
        if (n == 0) break;
        out.append(reinterpret_cast<const char*>(block.data()), n);
    }
    return out;
}

}  // namespace

TEST_CASE("bodies of every kind come out as they went in, twice where they can") {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kMebibyte, kMebibyte + 1, 3 * kMebibyte + 17}) {
        const auto text = pattern(size);
        for (const bool announced : {true, false}) {
            Source source(text, announced ? static_cast<std::int64_t>(size) : -1);
            const auto payload = source.payload();
            REQUIRE(payload->size() == size);
            CHECK(drain(*payload, size) == text);
            CHECK(source.saw_end());
            const bool streamed = announced && size > kMebibyte;
            CHECK(payload->restart() == !streamed);
            if (!streamed) CHECK(drain(*payload, size) == text);
            CHECK(payload->sha256().has_value() == (size <= kMebibyte));
        }
    }
}

TEST_CASE("a large body that the host can rewind can be sent again, and so can one that was not touched") {
    const auto text = pattern(2 * kMebibyte);
    Source rewindable(text, static_cast<std::int64_t>(text.size()), true);
    const auto payload = rewindable.payload();
    drain(*payload, kMebibyte);
    REQUIRE(payload->restart());
    CHECK(drain(*payload, text.size()) == text);

    Source once(text, static_cast<std::int64_t>(text.size()));
    const auto untouched = once.payload();
    CHECK(untouched->restart());
    drain(*untouched, 1, 1);
    CHECK_FALSE(untouched->restart());
}

TEST_CASE("a part that has to be sent twice waits in a file") {
    const auto text = pattern(2 * kMebibyte);
    Source source(text, static_cast<std::int64_t>(text.size()));
    const auto payload = source.payload(5 * kMebibyte);
    CHECK(drain(*payload, text.size()) == text);
    REQUIRE(payload->restart());
    CHECK(drain(*payload, text.size()) == text);
}

TEST_CASE("a body of another size than announced never gives its last byte away") {
    for (const std::size_t size : {std::size_t{10}, 2 * kMebibyte}) {
        for (const int off : {-1, 1}) {
            const auto announced = size + static_cast<std::size_t>(off);
            Source source(pattern(size), static_cast<std::int64_t>(announced));
            std::size_t given = 0;
            try {
                const auto payload = source.payload();
                std::vector<std::byte> block(65'536);
                for (;;) given += payload->read(block);
            } catch (const sdk::Failure& failure) {
                CHECK(failure.code == IMGSRV_INVALID_ARGUMENT);
                CHECK_THAT(failure.message, Contains(std::to_string(announced)));
            }
            CHECK(given < announced);
        }
    }
}

TEST_CASE("the framing of signed chunks has the size it announces and holds the payload") {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, 128 * 1024UL, 128 * 1024 + 1UL, 300'000UL}) {
        const auto text = pattern(size);
        TextPayload payload(text);
        const Signer signer({"id", "secret", ""}, "us-east-1", "s3", {});
        ChunkSignedBody body(payload, signer, std::string(64, '0'));
        const auto wire = drain(body, body.size() + 1, 5000);
        CHECK(wire.size() == body.size());

        std::string unframed;
        auto previous = std::string(64, '0');
        std::size_t at = 0;
        for (;;) {
            const auto semicolon = wire.find(';', at);
            REQUIRE(semicolon != std::string::npos);
            const auto length = std::stoul(wire.substr(at, semicolon - at), nullptr, 16);
            const auto begin = wire.find("\r\n", at) + 2;
            const auto chunk = wire.substr(begin, length);
            const auto signature = signer.chunk_signature(previous, sha256_hex(chunk));
            CHECK(wire.substr(semicolon, begin - semicolon) == ";chunk-signature=" + signature + "\r\n");
            previous = signature;
            unframed += chunk;
            at = begin + length + 2;
            if (length == 0) break;
        }
        CHECK(at == wire.size());
        CHECK(unframed == text);
    }
}

TEST_CASE("what passes is measured") {
    TextPayload payload("hello world");
    MeasuredBody body(payload);
    drain(body, body.size(), 3);
    CHECK(body.md5() == "5eb63bbbe01eeed093cb22bb8f5acdc3");
}
