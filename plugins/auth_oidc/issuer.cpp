#include "issuer.h"

#include <utility>

#include "issuer_url.h"
#include "json.h"

namespace imgsrv::oidc {
namespace {

// Requests that may wait for one issuer. More get 503, so that slots remain for other issuers.
constexpr int kMostWaiting = 32;

sdk::Failure cannot_tell() {
    return sdk::Failure(IMGSRV_UNAVAILABLE, "the keys of the token's issuer cannot be fetched at the moment")
        .with_retryable()
        .with_retry_after_ms(5'000);
}

sdk::Failure unusable(const std::string& what) {
    return sdk::Failure(IMGSRV_UNAVAILABLE, what).with_retryable();
}

}  // namespace

WaitingRoom::Place::Place(WaitingRoom& room) : room_(room), taken_(room.taken_.fetch_add(1) < kPlaces) {}

WaitingRoom::Place::~Place() {
    room_.taken_.fetch_sub(1);
}

Issuer::Issuer(std::string url, DocumentSource& source, WaitingRoom& room, sdk::Host host, const FetchPolicy& policy,
               Now now)
    : url_(std::move(url)), source_(source), room_(room), host_(host), policy_(policy), now_(std::move(now)) {}

std::shared_ptr<const KeySet> Issuer::keys() const {
    const std::lock_guard lock(mutex_);
    return keys_;
}

std::shared_ptr<const KeySet> Issuer::keys_for(const sdk::Call& call, std::string_view key_id, Algorithm algorithm) {
    Lock lock(mutex_);
    const auto known = [&] { return keys_ && !keys_->candidates(key_id, algorithm).empty(); };
    while (!known() && (fetching_ || now_() >= next_for_token_)) {
        const WaitingRoom::Place place(room_);
        if (!place.taken()) throw cannot_tell();
        if (!fetching_) {
            fetch_for_token(call, lock);
            break;
        }
        wait_for_fetch(call, lock);
        // A fetch that succeeded may have begun before the issuer had this key.
        if (failed_) break;
    }
    if (known()) return keys_;
    if (!keys_ || failed_) throw cannot_tell();
    return keys_;
}

void Issuer::fetch_for_token(const sdk::Call& call, Lock& lock) {
    if (keys_) next_for_token_ = now_() + policy_.unknown_key_pause;
    fetch(call, lock);
    if (!keys_) next_for_token_ = now_() + policy_.first_keys_pause;
}

void Issuer::refresh(const sdk::Call& call) {
    Lock lock(mutex_);
    if (fetching_ || now_() < next_refresh_) return;
    fetch(call, lock);
}

void Issuer::wait_for_fetch(const sdk::Call& call, Lock& lock) {
    if (waiting_ >= kMostWaiting) throw cannot_tell();
    ++waiting_;
    while (fetching_ && !call.cancelled() && (!call.remaining() || call.remaining()->count() > 0))
        fetched_.wait_for(lock, std::chrono::milliseconds(100));
    --waiting_;
    call.throw_if_cancelled();
}

// The lock is released while the issuer is asked.
void Issuer::fetch(const sdk::Call& call, Lock& lock) {
    fetching_ = true;
    lock.unlock();
    std::shared_ptr<const KeySet> fresh;
    imgsrv_error error{};
    sdk::guarded(&error, [&] { fresh = std::make_shared<const KeySet>(read(call)); });
    sdk::guarded(nullptr, [&] { report(fresh != nullptr, error.message); });
    lock.lock();
    fetching_ = false;
    failed_ = !fresh;
    if (fresh) keys_ = std::move(fresh);
    next_refresh_ = now_() + (failed_ ? policy_.unknown_key_pause : policy_.refresh);
    fetched_.notify_all();
}

KeySet Issuer::read(const sdk::Call& call) const {
    const auto description = parse_object(source_.get(call, discovery_url(url_)));
    if (!description) throw unusable("the issuer's discovery document is not a valid JSON object");
    const std::string* issuer = find_string(*description, "issuer");
    // OpenID Connect Discovery 1.0, section 4.3: exactly the same.
    if (!issuer || *issuer != url_) throw unusable("the issuer's discovery document names another issuer");
    const std::string* location = find_string(*description, "jwks_uri");
    if (!location) throw unusable("the issuer's discovery document has no jwks_uri");
    if (const std::string complaint = key_url_complaint(*location, url_); !complaint.empty())
        throw unusable("the issuer's jwks_uri is not acceptable: " + complaint);
    auto keys = KeySet::parse(source_.get(call, *location));
    if (!keys) throw unusable("the document at the issuer's jwks_uri is not a key set");
    if (keys->size() == 0) throw unusable("the issuer's key set has no usable key");
    return std::move(*keys);
}

void Issuer::report(bool success, const std::string& error) const {
    const imgsrv_kv label{sdk::str("outcome"), sdk::str(success ? "success" : "error")};
    host_.raw()->metric(host_.raw()->ctx, IMGSRV_METRIC_COUNTER, "oidc_key_fetches_total", 1, &label, 1);
    if (success)
        host_.log().debug("issuer's keys fetched", {{"issuer", url_}});
    else
        host_.log().warn("issuer's keys not fetched; the old ones stay", {{"issuer", url_}, {"error", error}});
}

}  // namespace imgsrv::oidc
