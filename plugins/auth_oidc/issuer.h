#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <imgsrv/imgsrv.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "document_fetcher.h"
#include "key_set.h"

namespace imgsrv::oidc {

struct FetchPolicy {
    // Between fetches caused by tokens with an unknown kid, so that forged tokens cannot flood the issuer.
    std::chrono::milliseconds unknown_key_pause{30'000};
    // Before another attempt while no fetch has ever succeeded.
    std::chrono::milliseconds first_keys_pause{5'000};
    // Between background fetches, so that a key that the issuer withdrew is forgotten.
    std::chrono::milliseconds refresh{600'000};
};

// The slots for requests that wait for an issuer's answer, shared by all issuers: tokens that name issuers which hang
// must not occupy every thread of the server. [any]
class WaitingRoom {
  public:
    static constexpr int kPlaces = 128;

    class Place {
      public:
        explicit Place(WaitingRoom& room);
        ~Place();
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        bool taken() const { return taken_; }

      private:
        WaitingRoom& room_;
        const bool taken_;
    };

  private:
    std::atomic<int> taken_ = 0;
};

// One issuer and its keys, which are kept while it is unreachable. [any]
class Issuer {
  public:
    using Now = std::function<std::chrono::steady_clock::time_point()>;

    // source, room and the host behind `host` outlive it.
    Issuer(std::string url, DocumentSource& source, WaitingRoom& room, sdk::Host host, const FetchPolicy& policy,
           Now now = std::chrono::steady_clock::now);

    const std::string& url() const { return url_; }

    // The keys. When the one that this token may need is missing, they are fetched again as the policy allows. Throws
    // UNAVAILABLE when that fails, because then it is unknown whether there is such a key.
    std::shared_ptr<const KeySet> keys_for(const sdk::Call& call, std::string_view key_id, Algorithm algorithm);

    // What is known now; null: nothing yet.
    std::shared_ptr<const KeySet> keys() const;

    // Fetches the keys when they are due. Does not throw: errors go to the log.
    void refresh(const sdk::Call& call);

  private:
    using Lock = std::unique_lock<std::mutex>;

    void fetch_for_token(const sdk::Call& call, Lock& lock);
    void fetch(const sdk::Call& call, Lock& lock);
    KeySet read(const sdk::Call& call) const;
    void wait_for_fetch(const sdk::Call& call, Lock& lock);
    void report(bool success, const std::string& error) const;

    const std::string url_;
    DocumentSource& source_;
    WaitingRoom& room_;
    const sdk::Host host_;
    const FetchPolicy policy_;
    const Now now_;

    mutable std::mutex mutex_;
    std::condition_variable fetched_;
    std::shared_ptr<const KeySet> keys_;
    bool fetching_ = false;
    bool failed_ = false;  // the latest fetch
    int waiting_ = 0;
    std::chrono::steady_clock::time_point next_for_token_;
    std::chrono::steady_clock::time_point next_refresh_;
};

}  // namespace imgsrv::oidc
