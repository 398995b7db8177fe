#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace imgsrv::services {

// What this process is doing for upload sessions right now: which part numbers it receives, and which thread moves a
// session's running hash forward. None of it has to survive the process; what several nodes must agree on is in the
// database. [any]
class PartsInFlight {
  public:
    // One upload session's share.
    class Session {
      public:
        // Takes the right to move the session's running hash forward. False if another thread has it.
        bool try_own_hash();
        // Waits until no other thread has the right, then takes it. The present owner stops after its current part.
        void wait_to_own_hash();
        void release_hash();
        // True if a thread waits for the right: its owner stops after the current part.
        bool hash_wanted() const;

      private:
        friend class PartsInFlight;
        friend class Receipt;
        struct Body {
            bool superseded = false;  // a newer request for the same part has begun
            bool whole = false;       // every byte was read; it will be stored
        };
        mutable std::mutex mutex_;
        std::condition_variable changed_;
        bool hash_owned_ = false;
        int hash_waiters_ = 0;
        std::map<std::uint32_t, std::shared_ptr<Body>> receiving_;  // by part number
    };

    // Holds a part number of a session while its bytes come in. A newer request for the same number supersedes an older
    // one that still reads, and waits for one that is being stored, so that the store and the database see both in the
    // same order.
    class Receipt {
      public:
        Receipt(std::shared_ptr<Session> session, std::uint32_t number);
        ~Receipt();
        Receipt(const Receipt&) = delete;

        bool superseded() const;
        // Marks the body as read to its end. False if a newer request has superseded it.
        bool set_whole();

      private:
        const std::shared_ptr<Session> session_;
        const std::uint32_t number_;
        const std::shared_ptr<Session::Body> body_;
    };

    // The session's share, made if there is none; it goes away with its last holder.
    std::shared_ptr<Session> session(const std::string& session_id);

  private:
    std::mutex mutex_;
    std::unordered_map<std::string, std::weak_ptr<Session>> sessions_;
};

}  // namespace imgsrv::services
