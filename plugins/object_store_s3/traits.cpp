#include "traits.h"

#include <openssl/rand.h>

#include <array>

#include "requests.h"

namespace imgsrv::s3 {
namespace {

// Removes what a probe made, whatever became of it.
class Leftover {
  public:
    Leftover(Client& client, const sdk::Call& call, std::string key)
        : client_(client), call_(call), key_(std::move(key)) {}
    ~Leftover() {
        try {
            client_.send(call_, delete_object(key_));
        } catch (const std::exception& e) {
            client_.log().warn(call_, "an object of a few bytes stays behind", {{"key", key_}, {"error", e.what()}});
        }
    }
    Leftover(const Leftover&) = delete;
    Leftover& operator=(const Leftover&) = delete;

    const std::string& key() const { return key_; }

  private:
    Client& client_;
    const sdk::Call& call_;
    std::string key_;
};

}  // namespace

std::string random_name() {
    std::array<unsigned char, 16> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
        throw sdk::Failure(IMGSRV_INTERNAL, "OpenSSL has no random bytes");
    }
    return hex(bytes);
}

Traits TraitProbe::get(const sdk::Call& call) {
    {
        const std::lock_guard lock(mutex_);
        if (learned_) return *learned_;
    }
    // Without the lock: a store that hangs must not keep callers beyond their own deadlines. Two may learn at once.
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
    const std::string name = std::string(kOwnPrefix) + "probe-" + random_name();
    TextPayload first("1");
    const auto stored = client_.send_ok(call, put_object(name, first));
    const Leftover object(client_, call, name);
    traits.md5_etags = stored.etag() == md5_hex("1");

    TextPayload second("2");
    auto conditional = put_object(name, second);
    conditional.headers["if-none-match"] = "*";
    const auto answer = client_.send(call, conditional);
    traits.put_if_absent = answer.is(412, "PreconditionFailed");
    if (answer.status >= 500 && answer.status != 501) throw client_.failure(conditional, answer);

    const Leftover joined(client_, call, name + "-parts");
    traits.strict_uploads = has_strict_uploads(call, joined.key());
    return traits;
}

bool TraitProbe::has_strict_uploads(const sdk::Call& call, const std::string& key) {
    const auto id = parse_upload_id(client_.send_ok(call, create_upload(key, {})).body);
    std::vector<ListedPart> named;
    TextPayload one("1");
    for (const std::uint32_t number : {1U, 2U}) {
        one.restart();
        const auto answer = client_.send_ok(call, upload_part(key, id, number, one));
        if (named.empty()) named.push_back({number, 1, answer.etag()});
    }
    TextPayload document(completion_document(named));
    const auto completion = complete_upload(key, id, document);
    const auto completed = client_.send(call, completion);
    if (!completed.ok()) {
        client_.send(call, abort_upload(key, id));
        if (completed.status >= 500) throw client_.failure(completion, completed);
        return false;
    }
    one.restart();
    return !client_.send(call, upload_part(key, id, 2, one)).ok();
}

}  // namespace imgsrv::s3
