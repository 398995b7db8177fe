#include "traits.h"

#include <openssl/rand.h>

#include <array>

#include "requests.h"

namespace imgsrv::s3 {
namespace {

// Removes what a probe made, by this request, whatever the probe's outcome.
class Leftover {
  public:
    Leftover(Client& client, const sdk::Call& call, Request removal)
        : client_(client), call_(call), removal_(std::move(removal)) {}
    ~Leftover() {
        try {
            client_.send(call_, removal_);
        } catch (const std::exception& e) {
            client_.log().warn(call_, "a probe's object or upload could not be removed",
                               {{"key", removal_.key}, {"error", e.what()}});
        }
    }
    Leftover(const Leftover&) = delete;
    Leftover& operator=(const Leftover&) = delete;

  private:
    Client& client_;
    const sdk::Call& call_;
    const Request removal_;
};

}  // namespace

std::string random_name() {
    std::array<unsigned char, 16> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
        throw sdk::Failure(IMGSRV_INTERNAL, "OpenSSL has no random bytes");
    return hex(bytes);
}

Traits TraitProbe::get(const sdk::Call& call) {
    {
        const std::lock_guard lock(mutex_);
        if (learned_) return *learned_;
    }
    // Without the lock: a store that hangs must not hold callers beyond their own deadlines. Two may probe at once.
    const Traits traits = learn(call);
    client_.set_chunk_signing(!traits.md5_etags || client_.settings().sign_payload);
    const auto text = [](bool value) { return value ? "true" : "false"; };
    client_.log().info(call, "the object store answers",
                       {{"put_if_absent", text(traits.put_if_absent)},
                        {"md5_etags", text(traits.md5_etags)},
                        {"strict_uploads", text(traits.strict_uploads)}});
    const std::lock_guard lock(mutex_);
    learned_ = traits;
    return traits;
}

Traits TraitProbe::learn(const sdk::Call& call) {
    Traits traits;
    const std::string name = std::string(kProbePrefix) + random_name();
    TextPayload first("1");
    const Leftover object(client_, call, delete_object(name));
    const auto stored = client_.send_ok(call, put_object(name, first));
    traits.md5_etags = stored.etag() == md5_hex("1");

    TextPayload second("2");
    auto conditional = put_object(name, second);
    conditional.headers["if-none-match"] = "*";
    const auto answer = client_.send(call, conditional);
    traits.put_if_absent = answer.is(412, "PreconditionFailed");
    if (answer.status >= 500 && answer.status != 501) throw client_.failure(conditional, answer);

    traits.strict_uploads = has_strict_uploads(call, name + "-parts");
    return traits;
}

bool TraitProbe::has_strict_uploads(const sdk::Call& call, const std::string& key) {
    const auto id = parse_upload_id(client_.send_ok(call, create_upload(key, {})).body);
    const Leftover object(client_, call, delete_object(key));
    const Leftover upload(client_, call, abort_upload(key, id));
    // A failing store says nothing about its traits.
    const auto ask = [&](const Request& request) {
        auto answer = client_.send(call, request);
        if (answer.status >= 500) throw client_.failure(request, answer);
        return answer;
    };
    const auto is_gone = [](const Answer& answer) { return answer.is(404, "NoSuchUpload"); };
    // Another process took the upload for a leftover because this took so long, or an answer was lost.
    const auto try_again = [] {
        return sdk::Failure(IMGSRV_UNAVAILABLE, "the upload that probes the object store is gone")
            .with_native("NoSuchUpload")
            .with_retryable();
    };

    std::vector<ListedPart> named;
    TextPayload one("1");
    for (const std::uint32_t number : {1U, 2U}) {
        one.restart();
        const auto request = upload_part(key, id, number, one);
        const auto answer = ask(request);
        if (is_gone(answer)) throw try_again();
        if (!answer.ok()) throw client_.failure(request, answer);
        if (named.empty()) named.push_back({number, 1, answer.etag()});
    }
    TextPayload document(completion_document(named));
    const auto completed = ask(complete_upload(key, id, document));
    if (is_gone(completed)) throw try_again();
    if (!completed.ok()) return false;
    one.restart();
    return is_gone(ask(upload_part(key, id, 2, one)));
}

}  // namespace imgsrv::s3
