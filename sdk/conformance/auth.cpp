#include "conformance/auth.h"

#include <imgsrv/auth.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

#include "conformance/rule_book.h"
#include "conformance/token_book.h"

namespace imgsrv::conformance {
namespace {

constexpr const char* kTokenId = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
constexpr std::int64_t kHourUs = 3'600'000'000;

std::int64_t now_us() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

imgsrv_str lend(std::string_view s) {
    return {s.data(), s.size()};
}

struct Answer {
    imgsrv_code code = IMGSRV_INTERNAL;
    std::int32_t verdict = -1;  // untouched
    imgsrv_error error{};
    int principals = 0;  // how often the sink was set
    std::string subject, issuer, display;
    std::int64_t expires_us = 0;
};

Answer ask(const Instance& instance, std::string_view scheme, std::string_view secret) {
    const auto& table = *static_cast<const imgsrv_auth*>(instance.component().vtable);
    Answer answer;
    imgsrv_principal_sink sink{&answer, [](void* ctx, const imgsrv_principal* p) noexcept {
                                   auto& a = *static_cast<Answer*>(ctx);
                                   ++a.principals;
                                   a.subject.assign(p->subject.ptr, p->subject.len);
                                   a.issuer = p->issuer.len == 0 ? "" : std::string(p->issuer.ptr, p->issuer.len);
                                   a.display = p->display.len == 0 ? "" : std::string(p->display.ptr, p->display.len);
                                   a.expires_us = p->expires_us;
                               }};
    const imgsrv_credential credential{sizeof credential, 0, lend(scheme), lend(secret), lend("192.0.2.1")};
    const Call call;
    answer.code = table.authenticate(instance.self(), call.get(), &credential, &answer.verdict, &sink, &answer.error);
    return answer;
}

void expect_verdict(const Instance& instance, std::string_view scheme, std::string_view secret, std::int32_t verdict) {
    const auto answer = ask(instance, scheme, secret);
    IMGSRV_EXPECT(answer.code == IMGSRV_OK);
    IMGSRV_EXPECT(answer.verdict == verdict);
    IMGSRV_EXPECT(answer.principals == (verdict == IMGSRV_AUTH_ACCEPTED ? 1 : 0));
}

const imgsrv_ext_auth_token_issuer& issuer_of(const Instance& instance) {
    const auto extension = instance.component().extension;
    const void* issuer = extension != nullptr ? extension(IMGSRV_EXT_AUTH_TOKEN_ISSUER) : nullptr;
    if (issuer == nullptr) throw NotOffered("it issues no tokens");
    return *static_cast<const imgsrv_ext_auth_token_issuer*>(issuer);
}

struct Issued {
    std::string plaintext, verifier;
};

imgsrv_code issue(const Instance& instance, std::string_view token_id, Issued& issued, imgsrv_error& error) {
    const auto keep = [](void* ctx, imgsrv_str v) noexcept { static_cast<std::string*>(ctx)->assign(v.ptr, v.len); };
    imgsrv_str_sink plaintext{&issued.plaintext, keep};
    imgsrv_str_sink verifier{&issued.verifier, keep};
    const Call call;
    return issuer_of(instance).issue(instance.self(), call.get(), lend(token_id), &plaintext, &verifier, &error);
}

// A token as the host would have issued it just now.
Issued live_token(const Instance& instance, std::int64_t expires_us = now_us() + kHourUs) {
    Issued issued;
    imgsrv_error error{};
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, issue(instance, kTokenId, issued, error));
    token_book().put(kTokenId, {issued.verifier, "principal-1", "Ada", expires_us});
    return issued;
}

void others_are_not_mine(Instance& instance) {
    for (const char* scheme : {"Basic", "Digest", "", "Bearer2", "Bear"}) {
        expect_verdict(instance, scheme, "dXNlcjpwYXNzd29yZA==", IMGSRV_AUTH_NOT_MINE);
    }
    expect_verdict(instance, "Bearer", "some-token-of-somebody-else", IMGSRV_AUTH_NOT_MINE);
    expect_verdict(instance, "Bearer", "", IMGSRV_AUTH_NOT_MINE);
}

void garbage_is_never_accepted(Instance& instance) {
    std::string every;
    for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
    for (const std::string& secret : {every, std::string(1 << 16, 'a'), std::string("a.b.c"), std::string("..", 2),
                                      std::string("\0", 1), std::string("eyJhbGciOiJub25lIn0.e30.")}) {
        const auto answer = ask(instance, "Bearer", secret);
        IMGSRV_EXPECT(answer.code != IMGSRV_OK || answer.verdict != IMGSRV_AUTH_ACCEPTED);
        IMGSRV_EXPECT(answer.principals == 0);
    }
}

void issued_tokens_are_accepted(Instance& instance) {
    const auto token = live_token(instance);
    for (const char* scheme : {"Bearer", "bearer", "BEARER"}) {
        const auto answer = ask(instance, scheme, token.plaintext);
        IMGSRV_EXPECT(answer.code == IMGSRV_OK && answer.verdict == IMGSRV_AUTH_ACCEPTED && answer.principals == 1);
        // The subject is the host's own principal, so there is no issuer.
        IMGSRV_EXPECT(answer.subject == "principal-1" && answer.issuer.empty() && answer.display == "Ada");
        IMGSRV_EXPECT(answer.expires_us > now_us());
    }
    IMGSRV_EXPECT(token_book().uses(kTokenId) == 3);
    expect_verdict(instance, "Basic", token.plaintext, IMGSRV_AUTH_NOT_MINE);
}

void secrets_are_random_and_not_stored(Instance& instance) {
    const auto a = live_token(instance);
    const auto b = live_token(instance);
    IMGSRV_EXPECT(a.plaintext != b.plaintext && a.verifier != b.verifier);
    IMGSRV_EXPECT(a.plaintext.rfind("imgsrv_at_", 0) == 0);
    const std::string secret = a.plaintext.substr(a.plaintext.rfind('_') + 1);
    IMGSRV_EXPECT(secret.size() >= 32);
    IMGSRV_EXPECT(a.verifier.find(secret) == std::string::npos);
    expect_verdict(instance, "Bearer", a.plaintext, IMGSRV_AUTH_REJECTED);  // the book holds b's verifier
    expect_verdict(instance, "Bearer", b.plaintext, IMGSRV_AUTH_ACCEPTED);
    imgsrv_error error{};
    Issued none;
    IMGSRV_EXPECT_CODE(IMGSRV_INVALID_ARGUMENT, error, issue(instance, "not a uuid", none, error));
    IMGSRV_EXPECT(none.plaintext.empty());
}

void altered_tokens_are_rejected(Instance& instance) {
    const auto token = live_token(instance);
    const std::size_t secret = token.plaintext.rfind('_') + 1;
    for (std::size_t i = secret; i < token.plaintext.size(); ++i) {
        auto altered = token.plaintext;
        altered[i] = altered[i] == '0' ? '1' : '0';
        expect_verdict(instance, "Bearer", altered, IMGSRV_AUTH_REJECTED);
    }
    expect_verdict(instance, "Bearer", token.plaintext + "0", IMGSRV_AUTH_REJECTED);
    expect_verdict(instance, "Bearer", token.plaintext.substr(0, token.plaintext.size() - 1), IMGSRV_AUTH_REJECTED);
    expect_verdict(instance, "Bearer", token.plaintext.substr(0, secret), IMGSRV_AUTH_REJECTED);
    expect_verdict(instance, "Bearer", "imgsrv_at_", IMGSRV_AUTH_REJECTED);
    IMGSRV_EXPECT(token_book().uses(kTokenId) == 0);
    expect_verdict(instance, "Bearer", token.plaintext, IMGSRV_AUTH_ACCEPTED);
}

void revoked_and_expired_are_rejected(Instance& instance) {
    const auto expired = live_token(instance, now_us() - 1);
    expect_verdict(instance, "Bearer", expired.plaintext, IMGSRV_AUTH_REJECTED);
    const auto token = live_token(instance);
    expect_verdict(instance, "Bearer", token.plaintext, IMGSRV_AUTH_ACCEPTED);
    token_book().revoke(kTokenId);
    expect_verdict(instance, "Bearer", token.plaintext, IMGSRV_AUTH_REJECTED);  // at once, so nothing is cached
    IMGSRV_EXPECT(token_book().uses(kTokenId) == 0);
}

void cannot_tell_is_an_error(Instance& instance) {
    const auto token = live_token(instance);
    for (const imgsrv_code code : {IMGSRV_UNAVAILABLE, IMGSRV_DEADLINE, IMGSRV_CANCELLED}) {
        token_book().break_down(code);
        const auto answer = ask(instance, "Bearer", token.plaintext);
        token_book().break_down(IMGSRV_OK);
        IMGSRV_EXPECT(answer.code == code && answer.error.message[0] != '\0');
        IMGSRV_EXPECT(answer.principals == 0 && answer.verdict != IMGSRV_AUTH_ACCEPTED);
    }
    IMGSRV_EXPECT(token_book().uses(kTokenId) == 0);
    expect_verdict(instance, "Bearer", token.plaintext, IMGSRV_AUTH_ACCEPTED);
}

void nothing_tells_a_secret(Instance& instance) {
    const auto token = live_token(instance);
    const std::string secret = token.plaintext.substr(token.plaintext.rfind('_') + 1);
    ask(instance, "Bearer", token.plaintext);
    ask(instance, "Bearer", token.plaintext + "x");
    token_book().break_down(IMGSRV_UNAVAILABLE);
    const auto answer = ask(instance, "Bearer", token.plaintext);
    token_book().break_down(IMGSRV_OK);
    IMGSRV_EXPECT(std::strstr(answer.error.message, secret.c_str()) == nullptr);
    IMGSRV_EXPECT(logged_text().find(secret) == std::string::npos);
}

void many_at_once(Instance& instance) {
    const auto token = live_token(instance);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    threads.reserve(8);
    for (int t = 0; t < 8; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 200; ++i) {
                const bool good = (i + t) % 2 == 0;
                const auto answer = ask(instance, "Bearer", good ? token.plaintext : token.plaintext + "0");
                const auto wanted = good ? IMGSRV_AUTH_ACCEPTED : IMGSRV_AUTH_REJECTED;
                if (answer.code != IMGSRV_OK || answer.verdict != wanted) ++wrong;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    IMGSRV_EXPECT(wrong == 0);
    IMGSRV_EXPECT(token_book().uses(kTokenId) == 800);
}

const imgsrv_ext_auth_rules& rules_of(const Instance& instance) {
    const auto extension = instance.component().extension;
    const void* rules = extension != nullptr ? extension(IMGSRV_EXT_AUTH_RULES) : nullptr;
    if (rules == nullptr) throw NotOffered("it takes no rules");
    return *static_cast<const imgsrv_ext_auth_rules*>(rules);
}

// A rule that is wrong in this one member: check() names the member, and it lets nobody in.
void expect_refused(const Instance& instance, const imgsrv_auth_rule& rule, std::string_view words) {
    const auto& rules = rules_of(instance);
    const Call call;
    imgsrv_error error{};
    IMGSRV_EXPECT_CODE(IMGSRV_INVALID_ARGUMENT, error, rules.check(instance.self(), call.get(), &rule, &error));
    IMGSRV_EXPECT(std::string_view(error.message).find(words) != std::string_view::npos);
    std::int32_t holds = -1;
    imgsrv_error none{};
    IMGSRV_EXPECT_CODE(IMGSRV_OK, none,
                       rules.holds(instance.self(), call.get(), &rule, lend("{\"sub\": \"x\"}"), &holds, &none));
    IMGSRV_EXPECT(holds == 0);
}

void wrong_rules_are_refused(Instance& instance) {
    const imgsrv_str claims[] = {lend("sub")};
    const imgsrv_auth_rule sound{sizeof sound, 0, lend(kTokenId), lend("https://issuer.example.org"), lend("images"),
                                 claims,       1, lend("((((")};
    expect_refused(instance, sound, "condition: line 1, column ");
    imgsrv_auth_rule rule = sound;
    rule.audience = {};
    expect_refused(instance, rule, "audience");
    for (const char* issuer : {"", "issuer", "http://issuer.example.org", "ftp://issuer.example.org", "file:///etc"}) {
        rule = sound;
        rule.issuer = lend(issuer);
        expect_refused(instance, rule, "issuer_url");
    }
}

// The form of a JWT; signed by nobody.
constexpr const char* kJwt = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL3gifQ.AAAA";

void rules_are_asked_each_time(Instance& instance) {
    rules_of(instance);
    for (int i = 0; i < 3; ++i) {
        const int before = rule_book().asked();
        const auto answer = ask(instance, "Bearer", kJwt);
        IMGSRV_EXPECT(answer.code == IMGSRV_OK && answer.verdict == IMGSRV_AUTH_REJECTED);
        IMGSRV_EXPECT(rule_book().asked() > before);
    }
    for (const imgsrv_code code : {IMGSRV_UNAVAILABLE, IMGSRV_DEADLINE}) {
        rule_book().break_down(code);
        const auto answer = ask(instance, "Bearer", kJwt);
        rule_book().break_down(IMGSRV_OK);
        IMGSRV_EXPECT(answer.code == code && answer.error.message[0] != '\0' && answer.principals == 0);
    }
}

}  // namespace

Suite auth_checks() {
    return {{"A1", "credentials of others are not mine", others_are_not_mine},
            {"A2", "garbage is never accepted", garbage_is_never_accepted},
            {"A3", "an issued token is accepted, as the host's principal", issued_tokens_are_accepted},
            {"A4", "secrets are random, and what is stored does not hold them", secrets_are_random_and_not_stored},
            {"A5", "an altered token is rejected", altered_tokens_are_rejected},
            {"A5", "a revoked or expired token is rejected at once", revoked_and_expired_are_rejected},
            {"A6", "not being able to tell is an error, never a yes", cannot_tell_is_an_error},
            {"A7", "no message and no log line holds a secret", nothing_tells_a_secret},
            {"A8", "many threads at once", many_at_once},
            {"A9", "rules that are wrong are refused, and hold for nobody", wrong_rules_are_refused},
            {"A10", "the rules are asked before every verdict", rules_are_asked_each_time}};
}

}  // namespace imgsrv::conformance
