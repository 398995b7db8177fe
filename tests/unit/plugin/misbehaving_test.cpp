// Components that break their promises, as tables in this process: the host reports them and stays well.
#include <imgsrv/auth.h>
#include <imgsrv/imgsrv.hpp>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>
#include <thread>

#include "plugin/create.h"

using namespace imgsrv;
using namespace imgsrv::plugin;

namespace {

const ports::Call kBadCall{"req", {}, {}};
std::atomic<int> g_alive = 0;   // instances
std::atomic<int> g_closed = 0;  // readers closed
std::atomic<int> g_inside = 0;  // calls under way
std::atomic<int> g_overlaps = 0;

struct Overlap {
    Overlap() {
        if (g_inside.fetch_add(1) != 0) ++g_overlaps;
        std::this_thread::yield();
    }
    ~Overlap() { --g_inside; }
};

// Does what the key says. Only what the tests reach is there; the rest throws.
class BadStore {
  public:
    explicit BadStore(const sdk::Setup&) { ++g_alive; }
    ~BadStore() { --g_alive; }

    std::uint64_t caps() noexcept { return 0; }
    sdk::ObjectInfo stat(const sdk::Call&, std::string_view key) {
        const Overlap overlap;
        if (key == "unknown_code") throw sdk::Failure(77, "a code of the future").with_native("E77");
        if (key == "garbled")
            throw sdk::Failure(IMGSRV_NOT_FOUND,
                               "a\n\xff"
                               "b\xed\xa0\x80 \xf0\x9f\x98\x80 \xc3");
        if (key == "bad_alloc") throw std::bad_alloc();
        if (key == "system_error") throw std::system_error(ENOSPC, std::generic_category(), "write");
        if (key == "not_an_exception") throw 42;
        if (key == "long")
            throw sdk::Failure(IMGSRV_NOT_FOUND, std::string(462, 'x') + "\xc3\xa9\xc3\xa9")
                .with_native(std::string(40, 'n'));
        return {std::string(key), "e", 0, 0};
    }
    sdk::OpenedObject open(const sdk::Call&, std::string_view key, std::string_view, std::uint64_t,
                           std::optional<std::uint64_t>) {
        return {{std::string(key), "e", 1, 0}, std::make_unique<Source>()};
    }
    sdk::ObjectInfo put(const sdk::Call&, std::string_view key, sdk::Reader&, bool) {
        return {std::string(key), "e", 0, 0};
    }
    sdk::ObjectInfo copy(const sdk::Call&, std::string_view, std::string_view, std::string_view, bool) {
        throw unreached();
    }
    void remove(const sdk::Call&, std::string_view) { throw unreached(); }
    bool list(const sdk::Call&, std::string_view, std::string_view, std::uint32_t max, sdk::ObjectSink& out) {
        for (std::uint32_t i = 0; i <= max; ++i) out.emit({"k", "e", 0, 0});
        return false;
    }
    std::string mp_create(const sdk::Call&, std::string_view, std::uint64_t) { throw unreached(); }
    std::string mp_put_part(const sdk::Call&, std::string_view, std::string_view, std::uint32_t, sdk::Reader&) {
        throw unreached();
    }
    sdk::ObjectInfo mp_complete(const sdk::Call&, std::string_view, std::string_view, std::span<const imgsrv_part>) {
        throw unreached();
    }
    void mp_abort(const sdk::Call&, std::string_view, std::string_view) { throw unreached(); }
    void mp_list(const sdk::Call&, std::string_view, sdk::UploadSink&) { throw unreached(); }

  private:
    // Claims to have read more than it was asked for.
    struct Source final : sdk::ByteSource {
        ~Source() override { ++g_closed; }
        std::size_t read(std::span<std::byte> buffer) override { return buffer.size() + 1; }
    };
    static sdk::Failure unreached() { return {IMGSRV_UNIMPLEMENTED, "not in this test"}; }
};

// A table whose functions return OK and nothing else.
imgsrv_object_store silent_table() {
    imgsrv_object_store t = sdk::ObjectStoreTable<BadStore>::table;
    t.stat = [](void*, const imgsrv_call*, imgsrv_str, imgsrv_object_sink*, imgsrv_error*) noexcept -> imgsrv_code {
        return IMGSRV_OK;
    };
    t.open = [](void*, const imgsrv_call*, imgsrv_str, imgsrv_str, std::uint64_t, std::int64_t, imgsrv_reader*,
                imgsrv_object_sink*, imgsrv_error*) noexcept -> imgsrv_code { return IMGSRV_OK; };
    t.mp_create = [](void*, const imgsrv_call*, imgsrv_str, const imgsrv_upload_hints*, imgsrv_str_sink*,
                     imgsrv_error*) noexcept -> imgsrv_code { return IMGSRV_OK; };
    // Says what went wrong with every byte it has, and no NUL.
    t.remove = [](void*, const imgsrv_call*, imgsrv_str, imgsrv_error* err) noexcept -> imgsrv_code {
        std::memset(err->message, 'm', sizeof err->message);
        std::memset(err->native, 'n', sizeof err->native);
        err->db_class = 999;
        return IMGSRV_DATA_LOSS;
    };
    t.mp_abort = [](void*, const imgsrv_call*, imgsrv_str, imgsrv_str, imgsrv_error*) noexcept -> imgsrv_code {
        return IMGSRV_NOT_FOUND;
    };
    return t;
}

// Accepts everybody, and does not say whom.
class VagueAuth {
  public:
    explicit VagueAuth(const sdk::Setup&) {}
    sdk::AuthAnswer authenticate(const sdk::Call&, const sdk::Credential& c) {
        return {c.secret == "7" ? 7 : IMGSRV_AUTH_ACCEPTED, {}};
    }
};

const imgsrv_object_store kSilentTable = silent_table();
const imgsrv_component kSilent = [] {
    imgsrv_component c = sdk::object_store<BadStore>("silent", sdk::kNoOptions);
    c.vtable = &kSilentTable;
    return c;
}();
constexpr sdk::ComponentList kComponents{
    sdk::object_store<BadStore>("bad", sdk::kNoOptions),
    sdk::object_store<BadStore>("serialized", sdk::kNoOptions, IMGSRV_COMPONENT_SERIALIZED),
    sdk::authenticator<VagueAuth>("vague", sdk::kNoOptions)};

const PluginRegistry& bad_plugins() {
    static PluginRegistry one;
    static const bool loaded = [] {
        static const imgsrv_plugin bad = sdk::plugin("org.example.bad", "1", "", "", kComponents);
        static const imgsrv_component* const silent[] = {&kSilent, nullptr};
        static imgsrv_plugin quiet = bad;
        quiet.id = "org.example.silent";
        quiet.components = silent;
        return one.add_table("bad", bad).ok() && one.add_table("silent", quiet).ok();
    }();
    REQUIRE(loaded);
    return one;
}

std::unique_ptr<ports::ObjectStore> store(const char* driver) {
    auto made = create_object_store(bad_plugins(), driver, "storage", {}, {});
    REQUIRE(made.ok());
    return std::move(*made);
}

class EmptyBody final : public ports::ByteReader {
  public:
    std::optional<std::uint64_t> size() const override { return 0; }
    Result<std::size_t> read(std::span<std::byte>) override { return std::size_t{0}; }
};

}  // namespace

TEST_CASE("exceptions become codes inside of the plugin") {
    const auto bad = store("bad");
    const auto status = [&](std::string_view key) { return bad->stat(kBadCall, key).status(); };
    CHECK(status("bad_alloc").code() == Code::unavailable);
    CHECK(status("bad_alloc").retryable());
    CHECK(status("system_error").code() == Code::resource_exhausted);
    CHECK(status("system_error").detail() == "ENOSPC");
    CHECK(status("not_an_exception").code() == Code::internal);

    const Status cut = status("long");
    CHECK(cut.message().size() == 462);  // 463 would end inside of a character
    CHECK(cut.detail() == std::string(31, 'n'));

    CHECK(status("garbled").message() == "a ?b??? \xf0\x9f\x98\x80 ?");
}

TEST_CASE("a code of the future is internal") {
    const Status status = store("bad")->stat(kBadCall, "unknown_code").status();
    CHECK(status.code() == Code::internal);
    CHECK(status.message() == "a code of the future");
    CHECK(status.detail() == "E77, unknown code 77");
}

TEST_CASE("OK without a result is internal") {
    const auto silent = store("silent");
    CHECK(silent->stat(kBadCall, "k").status().code() == Code::internal);
    CHECK(silent->open(kBadCall, "k", "", 0, {}).status().code() == Code::internal);
    CHECK(silent->multipart_create(kBadCall, "k", 0).status().message() ==
          "the plugin returned OK without an upload id");
}

TEST_CASE("error texts need not end, and may be missing") {
    const auto silent = store("silent");
    const Status endless = silent->remove(kBadCall, "k");
    CHECK(endless.message().size() == sizeof(imgsrv_error::message));
    CHECK(endless.detail().size() == sizeof(imgsrv_error::native));
    CHECK(endless.db_class() == DbClass::none);
    CHECK(silent->multipart_abort(kBadCall, "k", "u").message() == "the plugin gave no reason");
}

TEST_CASE("a store that emits more than was asked for is stopped") {
    CHECK(store("bad")->list(kBadCall, "", "", 3).status().code() == Code::resource_exhausted);
}

TEST_CASE("a reader that lies about its count is not believed, and closed once") {
    const auto bad = store("bad");
    g_closed = 0;
    {
        auto opened = bad->open(kBadCall, "k", "", 0, {});
        REQUIRE(opened.ok());
        std::byte buffer[4];
        CHECK(opened->body->read(buffer).status().code() == Code::internal);
    }
    CHECK(g_closed == 1);
}

TEST_CASE("an authenticator that accepts nobody in particular is not believed") {
    auto auth = create_authenticator(bad_plugins(), "vague", "auth", {}, {});
    REQUIRE(auth.ok());
    CHECK((*auth)->authenticate(kBadCall, {"Bearer", "x", ""}).status().code() == Code::internal);
    CHECK((*auth)->authenticate(kBadCall, {"Bearer", "7", ""}).status().message() ==
          "the authenticator gave the unknown verdict 7");
    CHECK_FALSE((*auth)->can_issue());
    CHECK((*auth)->issue(kBadCall, "id").status().code() == Code::unimplemented);
}

TEST_CASE("each instance is destroyed once") {
    g_alive = 0;
    {
        const auto one = store("bad");
        const auto two = store("bad");
        CHECK(g_alive == 2);
    }
    CHECK(g_alive == 0);
}

TEST_CASE("a serialized component is entered by one thread at a time") {
    const auto serialized = store("serialized");
    g_overlaps = 0;
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 8; ++t)
            threads.emplace_back([&] {
                for (int i = 0; i < 200; ++i) (void)serialized->stat(kBadCall, "k");
            });
    }
    CHECK(g_overlaps == 0);
    EmptyBody body;
    CHECK(serialized->put(kBadCall, "k", body, ports::Overwrite::replace).ok());
}
