// imgsrv_objectstore_*: operations, their outcome (success, not_found, conflict, already_exists, invalid, canceled,
// error), their duration and their bytes.
#include "telemetry/measured_object_store.h"

#include <catch2/catch.hpp>

#include "../text_reader.h"
#include "telemetry/metrics.h"

using namespace imgsrv;

namespace {

Status drain(ports::ByteReader& reader) {
    std::array<std::byte, 7> buffer{};
    for (;;) {
        IMGSRV_ASSIGN(const auto n, reader.read(buffer));
        if (n == 0) return {};
    }
}

// Answers every call with `answer`; reads a body twice if it can be rewound, like a store that retries.
class Fake final : public ports::ObjectStore {
  public:
    Status answer;

    Result<ports::ObjectInfo> stat(const ports::Call&, std::string_view) override { return info(); }
    Result<ports::OpenedObject> open(const ports::Call&, std::string_view, std::string_view, std::uint64_t,
                                     std::optional<std::uint64_t>) override {
        IMGSRV_TRY(answer);
        return ports::OpenedObject{{}, std::make_unique<test::TextReader>("0123456789")};
    }
    Result<ports::ObjectInfo> put(const ports::Call&, std::string_view, ports::ByteReader& body,
                                  ports::Overwrite) override {
        IMGSRV_TRY(drain(body));
        IMGSRV_TRY(body.rewind());
        IMGSRV_TRY(drain(body));
        return info();
    }
    Result<ports::ObjectInfo> copy(const ports::Call&, std::string_view, std::string_view, ports::Overwrite) override {
        return info();
    }
    Status remove(const ports::Call&, std::string_view) override { return answer; }
    Result<ports::ObjectPage> list(const ports::Call&, std::string_view, std::string_view, std::uint32_t) override {
        return ports::ObjectPage{};
    }
    Result<std::string> multipart_create(const ports::Call&, std::string_view, std::uint64_t) override {
        return std::string("id");
    }
    Result<std::string> put_part(const ports::Call&, std::string_view, std::string_view, std::uint32_t,
                                 ports::ByteReader& body) override {
        IMGSRV_TRY(drain(body));
        return std::string("etag");
    }
    Result<ports::ObjectInfo> multipart_complete(const ports::Call&, std::string_view, std::string_view,
                                                 std::span<const ports::StoredPart>) override {
        return info();
    }
    Status multipart_abort(const ports::Call&, std::string_view, std::string_view) override { return answer; }
    Result<std::vector<ports::MultipartUpload>> multipart_list(const ports::Call&, std::string_view) override {
        return std::vector<ports::MultipartUpload>();
    }
    bool can_open_part() const override { return true; }
    Result<std::unique_ptr<ports::ByteReader>> open_part(const ports::Call&, std::string_view, std::string_view,
                                                         const ports::StoredPart&, std::uint64_t) override {
        return std::unique_ptr<ports::ByteReader>(std::make_unique<test::TextReader>("part"));
    }
    std::uint64_t least_part() const override { return 5; }
    bool unique_part_etags() const override { return true; }
    bool can_open_fd() const override { return false; }
    Result<UniqueFd> open_fd(const ports::Call&, std::string_view) override { return answer; }
    Status health(const ports::Call&) override { return answer; }

  private:
    Result<ports::ObjectInfo> info() const {
        IMGSRV_TRY(answer);
        return ports::ObjectInfo{};
    }
};

struct Measured {
    telemetry::Metrics metrics;
    Fake* fake = new Fake;  // owned by store
    std::unique_ptr<ports::ObjectStore> store =
        telemetry::measure(std::unique_ptr<ports::ObjectStore>(fake), metrics.registry());
    const ports::Call call;

    std::string text() const { return metrics.expose(telemetry::Exposition::text); }
};

}  // namespace

TEST_CASE("operations of the object store are counted by outcome") {
    Measured m;
    const std::pair<Code, const char*> outcomes[] = {
        {Code::ok, "success"},         {Code::not_found, "not_found"},           {Code::aborted, "conflict"},
        {Code::cancelled, "canceled"}, {Code::already_exists, "already_exists"}, {Code::invalid_argument, "invalid"},
        {Code::unavailable, "error"},
    };
    for (const auto& [code, name] : outcomes) {
        CAPTURE(name);
        m.fake->answer = code == Code::ok ? Status() : Status(code, "why");
        CHECK(m.store->stat(m.call, "key").status().code() == code);
        CHECK_THAT(m.text(), Catch::Contains("imgsrv_objectstore_operations_total{operation=\"stat\",outcome=\"" +
                                             std::string(name) + "\"} 1\n"));
    }
    CHECK_THAT(m.text(),
               Catch::Contains("imgsrv_objectstore_operation_duration_seconds_count{operation=\"stat\"} 7\n"));
}

TEST_CASE("bytes count each time they are transferred") {
    Measured m;
    test::TextReader body("abcdef");
    REQUIRE(m.store->put(m.call, "key", body, ports::Overwrite::replace).ok());
    auto object = m.store->open(m.call, "key", "", 0, std::nullopt);
    REQUIRE(object.ok());
    CHECK(object->body->size() == 10);
    REQUIRE(drain(*object->body).ok());
    test::TextReader part("xy");
    REQUIRE(m.store->put_part(m.call, "key", "id", 1, part).ok());
    const std::string text = m.text();
    for (const char* line :
         {"{direction=\"write\",operation=\"put\"} 12", "{direction=\"read\",operation=\"open\"} 10",
          "{direction=\"write\",operation=\"put_part\"} 2", "{direction=\"read\",operation=\"open_part\"} 0"})
        CHECK_THAT(text, Catch::Contains("imgsrv_objectstore_bytes_total" + std::string(line) + "\n"));
}
