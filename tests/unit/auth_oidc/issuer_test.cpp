#include "issuer.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "fixed_time.h"
#include "signer.h"

using namespace imgsrv::oidc;
using test::Signer;
namespace sdk = imgsrv::sdk;
using std::chrono::seconds;

namespace {

constexpr const char* kUrl = "https://i.example.org";

// A host that offers nothing and forgets what it is told.
const imgsrv_host* silent_host() {
    static const imgsrv_host kHost = [] {
        imgsrv_host host{};
        host.struct_size = sizeof host;
        host.version = "test";
        host.log_enabled = [](void*, std::int32_t) noexcept -> std::int32_t { return 0; };
        host.log = [](void*, std::int32_t, const imgsrv_call*, imgsrv_str, const imgsrv_kv*, std::size_t) noexcept {};
        host.metric = [](void*, std::int32_t, const char*, double, const imgsrv_kv*, std::size_t) noexcept {};
        host.service = [](void*, const char*) noexcept -> const void* { return nullptr; };
        return host;
    }();
    return &kHost;
}

class FakeSource final : public DocumentSource {
  public:
    std::string get(const sdk::Call&, const std::string& url) override {
        std::string document = [&] {
            const std::lock_guard lock(mutex);
            return documents.at(url);
        }();
        const bool keys = url.ends_with("/jwks");
        if (keys) ++fetches;
        while (held || (keys && held_keys)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        if (away) throw sdk::Failure(IMGSRV_UNAVAILABLE, "away");
        return document;
    }
    void publish(const std::vector<Json>& keys) {
        const std::lock_guard lock(mutex);
        documents[std::string(kUrl) + "/.well-known/openid-configuration"] =
            Json{{"issuer", kUrl}, {"jwks_uri", std::string(kUrl) + "/jwks"}}.dump();
        documents[std::string(kUrl) + "/jwks"] = Json{{"keys", keys}}.dump();
    }

    std::mutex mutex;
    std::map<std::string, std::string> documents;
    std::atomic<int> fetches = 0;
    std::atomic<bool> away = false;
    std::atomic<bool> held = false;       // no document is given out
    std::atomic<bool> held_keys = false;  // keys were read and are not given out
};

// An issuer with two keys, and a clock that the test moves.
struct IssuerWorld {
    IssuerWorld() { source.publish({a.jwk("a")}); }

    bool knows(const std::string& kid) {
        return !issuer.keys_for(kCall, kid, Algorithm::eddsa)->candidates(kid, Algorithm::eddsa).empty();
    }
    bool cannot_tell(const std::string& kid) {
        try {
            static_cast<void>(knows(kid));
        } catch (const sdk::Failure& failure) {
            return failure.code == IMGSRV_UNAVAILABLE && failure.retryable && failure.retry_after_ms > 0;
        }
        return false;
    }

    Signer a{Algorithm::eddsa};
    Signer b{Algorithm::eddsa};
    FakeSource source;
    WaitingRoom room;
    std::chrono::steady_clock::time_point now{seconds(1'000)};
    Issuer issuer{kUrl, source, room, sdk::Host(silent_host()), {}, [this] { return now; }};
};

}  // namespace

TEST_CASE("keys are fetched once and kept") {
    IssuerWorld w;
    CHECK(w.issuer.keys() == nullptr);
    for (int i = 0; i < 10; ++i) CHECK(w.knows("a"));
    CHECK(w.source.fetches == 1);
}

TEST_CASE("an unknown kid makes the keys be fetched once in 30 seconds") {
    IssuerWorld w;
    CHECK(w.knows("a"));
    for (int i = 0; i < 100; ++i) CHECK_FALSE(w.knows("invented-" + std::to_string(i)));
    CHECK(w.source.fetches == 2);
    w.now += seconds(29);
    CHECK_FALSE(w.knows("invented"));
    CHECK(w.source.fetches == 2);
    w.now += seconds(1);
    CHECK_FALSE(w.knows("invented"));
    CHECK(w.source.fetches == 3);
}

TEST_CASE("a new key is found by the first token that names it") {
    IssuerWorld w;
    CHECK(w.knows("a"));
    w.source.publish({w.b.jwk("b")});
    CHECK(w.knows("a"));
    CHECK(w.knows("b"));
    CHECK_FALSE(w.knows("a"));
}

TEST_CASE("an issuer that is away keeps its keys; of others nobody can tell") {
    IssuerWorld w;
    CHECK(w.knows("a"));
    w.source.away = true;
    CHECK(w.knows("a"));
    CHECK(w.cannot_tell("b"));
    CHECK(w.source.fetches == 1);
    for (int i = 0; i < 10; ++i) CHECK(w.cannot_tell("b"));
    CHECK(w.knows("a"));
    w.source.away = false;
    w.source.publish({w.a.jwk("a"), w.b.jwk("b")});
    w.now += seconds(30);
    CHECK(w.knows("b"));
}

TEST_CASE("keys that could never be fetched are asked for again soon, not all the time") {
    IssuerWorld w;
    w.source.away = true;
    for (int i = 0; i < 10; ++i) CHECK(w.cannot_tell("a"));
    w.source.away = false;
    CHECK(w.cannot_tell("a"));
    w.now += seconds(5);
    CHECK(w.knows("a"));
}

TEST_CASE("in the background keys are fetched when it is time") {
    IssuerWorld w;
    w.issuer.refresh(kCall);
    CHECK(w.source.fetches == 1);
    w.now += seconds(599);
    w.issuer.refresh(kCall);
    CHECK(w.source.fetches == 1);
    w.now += seconds(1);
    w.source.publish({w.b.jwk("b")});
    w.issuer.refresh(kCall);
    CHECK(w.source.fetches == 2);
    CHECK_FALSE(w.knows("a"));
    w.source.away = true;
    w.now += seconds(600);
    w.issuer.refresh(kCall);
    CHECK(w.knows("b"));
    w.source.away = false;
    w.source.publish({w.a.jwk("a")});
    w.now += seconds(30);  // sooner, because the latest fetch failed
    w.issuer.refresh(kCall);
    CHECK(w.knows("a"));
}

TEST_CASE("many that need the keys at once cause one fetch") {
    IssuerWorld w;
    w.source.held = true;
    std::atomic<int> good = 0;
    std::vector<std::thread> threads;
    threads.reserve(16);
    for (int i = 0; i < 16; ++i)
        threads.emplace_back([&] {
            if (w.knows("a")) ++good;
        });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    w.source.held = false;
    for (auto& thread : threads) thread.join();
    CHECK(good == 16);
    CHECK(w.source.fetches == 1);
}

TEST_CASE("a key that came while the keys were being read is found too") {
    IssuerWorld w;
    CHECK(w.knows("a"));
    w.now += seconds(600);
    w.source.held_keys = true;
    std::thread background([&] { w.issuer.refresh(kCall); });
    while (w.source.fetches < 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    w.source.publish({w.a.jwk("a"), w.b.jwk("b")});
    std::atomic<bool> found = false;
    std::thread token([&] { found = w.knows("b"); });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    w.source.held_keys = false;
    background.join();
    token.join();
    CHECK(found);
    CHECK(w.source.fetches == 3);
}

TEST_CASE("requests that wait have a bound, for each issuer and for all of them") {
    IssuerWorld w;
    CHECK(w.knows("a"));
    // Of an issuer, one request asks it and 32 wait.
    for (const auto& [issuers, places] : {std::pair(1, 33), std::pair(5, WaitingRoom::kPlaces)}) {
        w.source.held = true;
        std::vector<std::unique_ptr<Issuer>> hanging;
        hanging.reserve(static_cast<std::size_t>(issuers));
        for (int i = 0; i < issuers; ++i)
            hanging.push_back(
                std::make_unique<Issuer>(kUrl, w.source, w.room, sdk::Host(silent_host()), FetchPolicy()));
        std::atomic<int> refused = 0;
        std::vector<std::thread> threads;
        threads.reserve(static_cast<std::size_t>(40 * issuers));
        for (int i = 0; i < 40 * issuers; ++i)
            threads.emplace_back([&, &issuer = *hanging[static_cast<std::size_t>(i % issuers)]] {
                try {
                    static_cast<void>(issuer.keys_for(kCall, "a", Algorithm::eddsa));
                } catch (const sdk::Failure& failure) {
                    if (failure.code == IMGSRV_UNAVAILABLE && failure.retry_after_ms > 0) ++refused;
                }
            });
        while (refused < 40 * issuers - places) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        CHECK(w.knows("a"));  // known keys need no place
        w.source.held = false;
        for (auto& thread : threads) thread.join();
    }
}

TEST_CASE("documents that do not fit change nothing") {
    IssuerWorld w;
    CHECK(w.knows("a"));
    const std::string description = std::string(kUrl) + "/.well-known/openid-configuration";
    const std::string keys = std::string(kUrl) + "/jwks";
    const auto good = w.source.documents;
    for (const auto& [url, text] : std::vector<std::pair<std::string, std::string>>{
             {description, "{}"},
             {description, "<html>"},
             {description, R"({"issuer":"https://other","jwks_uri":"https://i.example.org/jwks"})"},
             {description, R"({"issuer":"https://i.example.org/","jwks_uri":"https://i.example.org/jwks"})"},
             {description, R"({"issuer":"https://i.example.org"})"},
             {description, R"({"issuer":"https://i.example.org","jwks_uri":"http://127.0.0.1/jwks"})"},
             {keys, "{}"},
             {keys, R"({"keys":[]})"},
             {keys, R"({"keys":[{"kty":"oct","k":"AAAA"}]})"}}) {
        CAPTURE(url, text);
        w.source.documents = good;
        w.source.documents[url] = text;
        w.now += seconds(30);
        CHECK(w.cannot_tell("b"));
        CHECK(w.knows("a"));
    }
}
