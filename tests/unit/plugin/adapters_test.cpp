// The adapters over the reference plugin: everything goes through the ABI and back.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <map>
#include <thread>

#include "plugin/create.h"

using namespace imgsrv;
using namespace imgsrv::plugin;

namespace {

class StringReader final : public ports::ByteReader {
  public:
    explicit StringReader(std::string bytes, std::size_t fail_at = std::string::npos)
        : bytes_(std::move(bytes)), fail_at_(fail_at) {}
    std::optional<std::uint64_t> size() const override { return bytes_.size(); }
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        if (at_ >= fail_at_) return Status(Code::too_large, "the body is too large").with_detail("limit 3");
        const std::size_t n = std::min({buffer.size(), bytes_.size() - at_, std::size_t{3}});
        std::copy_n(reinterpret_cast<const std::byte*>(bytes_.data()) + at_, n, buffer.data());
        at_ += n;
        return n;
    }

  private:
    std::string bytes_;
    std::size_t fail_at_;
    std::size_t at_ = 0;
};

std::string drain(ports::ByteReader& reader) {
    std::string all;
    std::byte block[5];
    for (;;) {
        const auto n = reader.read(block);
        REQUIRE(n.ok());
        if (*n == 0) return all;
        all.append(reinterpret_cast<const char*>(block), *n);
    }
}

const PluginRegistry& registry() {
    static PluginRegistry one;
    static const Status loaded = one.load_file(REFERENCE_PLUGIN);
    INFO(loaded.message());
    REQUIRE(loaded.ok());
    return one;
}

std::unique_ptr<ports::ObjectStore> make_store() {
    auto store = create_object_store(registry(), "memory", "storage", {}, {});
    INFO(store.status().message());
    REQUIRE(store.ok());
    return std::move(*store);
}

const ports::Call kCall{"req-1", {}, {}};

class FakeTokens final : public ports::TokenStore {
  public:
    Result<ports::TokenRecord> find_token(const ports::Call& call, std::string_view token_id) override {
        seen_request = call.request_id;
        if (token_id != "t1") return Status(Code::not_found, "no such token");
        return ports::TokenRecord{"t1", "v1", "p1", "Ann's token", from_micros(42)};
    }
    void token_used(const ports::Call&, std::string_view token_id) override { used = token_id; }
    std::string seen_request, used;
};

class FakeRules final : public ports::RuleStore {
  public:
    Result<std::int64_t> generation(const ports::Call& call) override {
        seen_request = call.request_id;
        return 7;
    }
    Result<Rules> rules_in_force(const ports::Call&) override {
        if (away) return Status(Code::unavailable, "the database is away").with_retryable();
        return Rules{8, {{"r1", "https://i", "a", {"x", "y"}, "c"}, {"r2", "https://j", "b", {"x", "z"}, "c"}}};
    }
    std::string seen_request;
    bool away = false;
};

}  // namespace

TEST_CASE("the registry describes what it loaded") {
    REQUIRE(registry().plugins().size() == 1);
    const PluginInfo& p = registry().plugins().front();
    CHECK(p.id == "org.imgsrv.reference");
    CHECK(p.abi == "1.1");
    REQUIRE(p.components.size() == 4);
    CHECK(p.components[0].name == "memory");
    REQUIRE(p.components[0].options.size() == 4);
    CHECK(p.components[0].options[1].default_text == "5s");
    CHECK(p.components[0].options[3].secret);
    CHECK(p.components[1].serialized);
    CHECK(p.components[3].finalizer);

    const auto missing = registry().find(Kind::object_store, "memroy");
    REQUIRE_FALSE(missing.ok());
    CHECK(missing.status().message() == "there is no object_store driver 'memroy'; did you mean 'memory'?");
}

TEST_CASE("a component that refuses its options says why") {
    const auto store = create_object_store(registry(), "memory", "storage", {{"prefix", {"refuse", ""}}}, {});
    REQUIRE_FALSE(store.ok());
    CHECK(store.status().code() == Code::invalid_argument);
    CHECK(store.status().message() == "object_store 'memory': the prefix 'refuse' is refused");
    CHECK(store.status().detail() == "EREFUSED");
}

TEST_CASE("objects go in and come out") {
    auto store = make_store();
    StringReader body("hello world");
    const auto info = store->put(kCall, "a/b", body, ports::Overwrite::if_absent);
    REQUIRE(info.ok());
    CHECK(info->key == "a/b");
    CHECK(info->size == 11);

    auto opened = store->open(kCall, "a/b", info->etag, 6, 3);
    REQUIRE(opened.ok());
    CHECK(opened->info.size == 11);
    CHECK(opened->body->size() == 3);
    CHECK(drain(*opened->body) == "wor");
    CHECK(opened->body->rewind().ok());
    CHECK(drain(*opened->body) == "wor");

    StringReader again("x");
    CHECK(store->put(kCall, "a/b", again, ports::Overwrite::if_absent).status().code() == Code::already_exists);
    const auto missing = store->stat(kCall, "nothing");
    CHECK(missing.status().code() == Code::not_found);
    CHECK(missing.status().detail() == "NoSuchKey");
    CHECK(store->open(kCall, "a/b", "other", 0, {}).status().code() == Code::failed_precondition);
    CHECK(store->copy(kCall, "a/b", "c", ports::Overwrite::replace)->size == 11);
    const auto page = store->list(kCall, "", "", 1);
    REQUIRE(page.ok());
    CHECK(page->objects.size() == 1);
    CHECK(page->more);
    CHECK(store->remove(kCall, "c").ok());
    CHECK(store->health(kCall).ok());
}

TEST_CASE("a body's own failure survives its way through the plugin") {
    auto store = make_store();
    StringReader body("hello world", 6);
    const auto info = store->put(kCall, "k", body, ports::Overwrite::replace);
    REQUIRE_FALSE(info.ok());
    CHECK(info.status().code() == Code::too_large);
    CHECK(info.status().detail() == "limit 3");
    CHECK(store->stat(kCall, "k").status().code() == Code::not_found);
}

TEST_CASE("a store that refuses the server is away for those who ask the server") {
    const auto refused = make_store()->stat(kCall, "refused");
    CHECK(refused.status().code() == Code::unavailable);
    CHECK(refused.status().retryable());
    CHECK(refused.status().message().find("store.internal") == std::string_view::npos);
    CHECK(refused.status().detail().find("store.internal refuses the key") != std::string_view::npos);
}

TEST_CASE("multipart uploads, and parts read back") {
    auto store = make_store();
    const auto id = store->multipart_create(kCall, "k", 10);
    REQUIRE(id.ok());
    StringReader one("one"), two("two");
    const auto etag2 = store->put_part(kCall, "k", *id, 2, two);
    const auto etag1 = store->put_part(kCall, "k", *id, 1, one);
    REQUIRE(etag1.ok());
    REQUIRE(etag2.ok());
    CHECK_FALSE(store->unique_part_etags());
    REQUIRE(store->can_open_part());
    auto part = store->open_part(kCall, "k", *id, {2, 3, *etag2}, 1);
    REQUIRE(part.ok());
    CHECK(drain(**part) == "wo");
    CHECK(store->multipart_list(kCall, "")->front().upload_id == *id);

    const ports::StoredPart parts[] = {{1, 3, *etag1}, {2, 3, *etag2}};
    const auto done = store->multipart_complete(kCall, "k", *id, parts);
    REQUIRE(done.ok());
    CHECK(done->size == 6);
    REQUIRE(store->can_open_fd());
    CHECK(store->open_fd(kCall, "k").status().code() == Code::unimplemented);
}

TEST_CASE("a handle keeps its component alive") {
    auto store = make_store();
    StringReader body("bytes");
    REQUIRE(store->put(kCall, "k", body, ports::Overwrite::replace).ok());
    auto opened = store->open(kCall, "k", "", 0, {});
    REQUIRE(opened.ok());
    store.reset();
    CHECK(drain(*opened->body) == "bytes");
}

TEST_CASE("cancellation and deadlines reach the plugin") {
    auto store = make_store();
    auto cancel = std::make_shared<Cancellation>();
    const ports::Call call{"r", std::chrono::steady_clock::now() + std::chrono::minutes(1), cancel};
    CHECK(store->health(call).ok());
    cancel->cancel();
    CHECK(store->health(call).code() == Code::cancelled);
    const ports::Call late{"r", std::chrono::steady_clock::now() - std::chrono::seconds(1), {}};
    CHECK(store->health(late).code() == Code::deadline);
}

TEST_CASE("statements carry typed values both ways") {
    auto db = create_database(registry(), "echo", "database", {}, {});
    REQUIRE(db.ok());
    CHECK((*db)->dialect() == "sqlite");
    CHECK((*db)->skip_locked());
    CHECK_FALSE((*db)->concurrent_writers());
    auto conn = (*db)->connect(kCall);
    REQUIRE(conn.ok());

    const ports::Param params[] = {std::monostate(),       std::int64_t{-7},       2.5, true,
                                   std::string_view("12"), ports::Blob{{"\0x", 2}}};
    int rows = 0;
    const auto affected = (*conn)->query(kCall, "echo", params, [&](const ports::Row& row) -> Status {
        ++rows;
        CHECK(row.width() == 6);
        CHECK(row.is_null(0));
        CHECK(row.text(0).empty());
        CHECK(row.integer(1) == -7);
        const std::string_view first = row.text(1);
        CHECK(row.text(2) == "2.5");
        CHECK(first == "-7");
        CHECK(row.real(2) == 2.5);
        CHECK(row.integer(2) == 0);
        CHECK(row.boolean(3));
        CHECK(row.integer(4) == 12);
        CHECK(row.text(5) == std::string_view("\0x", 2));
        CHECK((*conn)->begin(kCall, ports::Access::read).code() == Code::internal);
        return {};
    });
    REQUIRE(affected.ok());
    CHECK(*affected == 0);
    CHECK(rows == 1);
    CHECK(*(*conn)->query(kCall, "delete", {}, nullptr) == 3);

    const auto stopped =
        (*conn)->query(kCall, "echo", params, [](const ports::Row&) { return Status(Code::aborted, "enough"); });
    CHECK(stopped.status().code() == Code::aborted);
    const auto outside = (*conn)->query(kCall, "echo", params, [](const ports::Row& row) -> Status {
        (void)row.integer(99);
        return {};
    });
    CHECK(outside.status().code() == Code::internal);
}

TEST_CASE("a database error keeps its class, its native code and its doubt") {
    auto db = create_database(registry(), "echo", "database", {}, {});
    REQUIRE(db.ok());
    auto conn = (*db)->connect(kCall);
    REQUIRE(conn.ok());
    const auto unique = (*conn)->query(kCall, "unique", {}, nullptr);
    CHECK(unique.status().db_class() == DbClass::unique);
    CHECK(unique.status().detail() == "23505");
    const Status lost = (*conn)->commit(kCall);
    CHECK(lost.code() == Code::unavailable);
    CHECK(lost.outcome_unknown());
    CHECK_FALSE(lost.retryable());
    CHECK(lost.retry_after_ms() == 250);
    CHECK(lost.db_class() == DbClass::connection);
}

TEST_CASE("authenticators answer, issue tokens and ask the host about them") {
    FakeTokens tokens;
    auto auth = create_authenticator(registry(), "word", "auth", {}, {&tokens, nullptr});
    REQUIRE(auth.ok());
    CHECK((*auth)->name() == "word");
    CHECK((*auth)->tick_interval() == std::chrono::seconds(1));
    CHECK((*auth)->tick(kCall).ok());
    const auto ask = [&](std::string_view secret) { return (*auth)->authenticate(kCall, {"Bearer", secret, "::1"}); };

    const auto good = ask("good");
    REQUIRE(good.ok());
    CHECK(good->verdict == ports::Authenticator::Verdict::accepted);
    CHECK(good->identity.subject == "ann");
    CHECK(good->identity.expires == from_micros(5'000'000));
    CHECK(good->identity.claims == std::vector<std::pair<std::string, std::string>>{{"scope", "a"}, {"scope", "b"}});
    CHECK(ask("other")->verdict == ports::Authenticator::Verdict::not_mine);
    const auto broken = ask("broken");
    CHECK(broken.status().code() == Code::unavailable);
    CHECK(broken.status().retryable());

    const auto stored = ask("stored-t1");
    REQUIRE(stored.ok());
    CHECK(stored->identity.subject == "p1");
    CHECK(tokens.used == "t1");
    CHECK(tokens.seen_request == "req-1");
    CHECK(ask("stored-t2")->verdict == ports::Authenticator::Verdict::rejected);

    REQUIRE((*auth)->can_issue());
    CHECK((*auth)->issue(kCall, "t9")->plaintext == "plain-t9");
    CHECK((*auth)->issue(kCall, "t9")->verifier == "verifier-t9");
}

TEST_CASE("authenticators take rules, and ask the host about them") {
    FakeRules rules;
    auto auth = create_authenticator(registry(), "word", "auth", {}, {nullptr, nullptr, &rules});
    REQUIRE(auth.ok());
    REQUIRE((*auth)->takes_rules());

    const auto answer = (*auth)->authenticate(kCall, {"Bearer", "ruled", "::1"});
    REQUIRE(answer.ok());
    CHECK(answer->identity.issuer == "https://issuer.example");
    CHECK(answer->identity.rule_ids == std::vector<std::string>{"r1", "r2"});
    CHECK(answer->identity.claims == std::vector<std::pair<std::string, std::string>>{
                                         {"seen", "7/8"}, {"y", "\"https://ia\""}, {"z", "\"https://jb\""}});
    CHECK(rules.seen_request == "req-1");
    rules.away = true;
    const auto away = (*auth)->authenticate(kCall, {"Bearer", "ruled", "::1"});
    CHECK(away.status().code() == Code::unavailable);
    CHECK(away.status().retryable());

    ports::Rule rule{"", "https://i", "a", {}, "word"};
    CHECK((*auth)->check_rule(kCall, rule).ok());
    CHECK((*auth)->rule_holds(kCall, rule, "a word").value());
    CHECK_FALSE((*auth)->rule_holds(kCall, rule, "none").value());
    rule.condition.clear();
    const Status refused = (*auth)->check_rule(kCall, rule);
    CHECK(refused.code() == Code::invalid_argument);
    CHECK(refused.message() == "condition: it is empty");
}

TEST_CASE("without a rule store the service is absent") {
    auto auth = create_authenticator(registry(), "word", "auth", {}, {});
    REQUIRE(auth.ok());
    CHECK((*auth)->authenticate(kCall, {"Bearer", "ruled", ""}).status().code() == Code::failed_precondition);
}

TEST_CASE("without a token store the service is absent") {
    auto auth = create_authenticator(registry(), "word", "auth", {}, {});
    REQUIRE(auth.ok());
    const auto answer = (*auth)->authenticate(kCall, {"Bearer", "stored-t1", ""});
    CHECK(answer.status().code() == Code::failed_precondition);
}

namespace {

class FakeRun final : public ports::StepRun {
  public:
    FakeRun() {
        manifest_.version_id = "v-1";
        manifest_.artifacts.push_back(
            {"a-1", "linux", "amd64", "", "qcow2", "application/x", "sha256:1", 8, {{"t", "sbom.json", "m", "d", 1}}});
        manifest_.artifacts.push_back({"a-2", "linux", "arm64", "", "qcow2", "application/x", "sha256:2", 8, {}});
    }
    const ports::StepManifest& manifest() const override { return manifest_; }
    std::uint32_t attempt() const override { return 3; }
    Result<std::unique_ptr<ports::ByteReader>> open_blob(const ports::Call&, std::string_view digest,
                                                         std::uint64_t offset,
                                                         std::optional<std::uint64_t> length) override {
        const auto all = blobs.at(std::string(digest));
        return std::unique_ptr<ports::ByteReader>(
            std::make_unique<StringReader>(all.substr(offset, length.value_or(all.size()))));
    }
    Result<std::uint64_t> blob_size(const ports::Call&, std::string_view digest) override {
        const auto found = blobs.find(std::string(digest));
        if (found == blobs.end()) return Status(Code::not_found, "no such blob");
        return found->second.size();
    }
    void progress(std::uint64_t d, std::uint64_t) override { done = d; }
    Status put_row(std::string_view key, std::string_view json) override {
        rows[std::string(key)] = json;
        return {};
    }
    Status request_published() override {
        published = true;
        return {};
    }

    std::map<std::string, std::string> blobs = {{"sha256:1", "12345678"}, {"sha256:2", "abcdefgh"}};
    std::map<std::string, std::string> rows;
    std::uint64_t done = 0;
    bool published = false;

  private:
    ports::StepManifest manifest_;
};

class FakeView final : public ports::RenderView {
  public:
    Result<bool> next_row(ports::ProjectionRow& row) override {
        if (at_ == 2) return false;
        row = {"ubuntu", "Ubuntu", at_ == 0 ? "1" : "2", "id", at_ == 0 ? "k1" : "k2", "{}", from_micros(1)};
        ++at_;
        return true;
    }
    Result<std::optional<std::string_view>> alias_at(std::string_view, std::string_view version,
                                                     std::size_t i) override {
        if (version == "2" && i < 2) return std::optional<std::string_view>(i == 0 ? "latest" : "lts");
        return std::optional<std::string_view>();
    }

  private:
    int at_ = 0;
};

}  // namespace

TEST_CASE("a step reads blobs, puts rows and asks for publication") {
    auto step = create_publish_step(registry(), "listing", "listing", {}, {});
    REQUIRE(step.ok());
    CHECK((*step)->finalizer());
    CHECK((*step)->row_schema() == 7);
    REQUIRE((*step)->documents().size() == 1);
    CHECK((*step)->documents()[0].path == "/reference/rows.txt");

    FakeRun run;
    CHECK((*step)->run(kCall, run).ok());
    CHECK(run.rows == std::map<std::string, std::string>{{"a-1", "\"1234\""}, {"a-2", "\"abcd\""}});
    CHECK(run.done == 2);
    CHECK(run.published);

    FakeRun lacking;
    lacking.blobs.erase("sha256:2");
    const Status failed = (*step)->run(kCall, lacking);
    CHECK(failed.code() == Code::failed_precondition);
    CHECK(failed.message() == "blob sha256:2 is not here");
    CHECK_FALSE(lacking.published);
}

TEST_CASE("a document is rendered from the view") {
    auto step = create_publish_step(registry(), "listing", "listing", {}, {});
    REQUIRE(step.ok());
    FakeView catalogue;
    const auto text = (*step)->render(kCall, catalogue, "/reference/rows.txt");
    REQUIRE(text.ok());
    CHECK(*text == "k1\nk2 latest lts\n");
}
