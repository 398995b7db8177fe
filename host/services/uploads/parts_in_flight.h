#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace imgsrv::services {

// What one process does at this moment for the upload sessions in flight: who hashes, and which part numbers are being
// received. Nothing here needs to survive the process.
class PartsInFlight {
  public:
    // One upload session's lane.
    class Lane {
      public:
        // The right to move the session's running hash forward. False when another thread has it.
        bool try_own_hash();
        // Waits until nobody else has it; the holder stops after the part it is at.
        void wait_to_own_hash();
        void release_hash();
        // Somebody waits for the hash: leave it at the next part.
        bool hash_wanted() const;

      private:
        friend class PartsInFlight;
        friend class Receipt;
        struct Slot {
            bool superseded = false;  // a newer request for the same part has begun
            bool whole = false;       // every byte was read; it will be stored
        };
        mutable std::mutex mutex_;
        std::condition_variable changed_;
        bool hash_owned_ = false;
        int hash_waiters_ = 0;
        std::map<std::uint32_t, std::shared_ptr<Slot>> receiving_;
    };

    // Holds a part number of a session while its bytes come in. A newer request for the same number supersedes an older
    // one that still reads, and waits for one that is being stored, so that store and database see them in one order.
    class Receipt {
      public:
        Receipt(std::shared_ptr<Lane> lane, std::uint32_t number);
        ~Receipt();
        Receipt(const Receipt&) = delete;

        bool superseded() const;
        // Marks the body as read to its end. False when it was superseded before.
        bool set_whole();

      private:
        std::shared_ptr<Lane> lane_;
        std::uint32_t number_;
        std::shared_ptr<Lane::Slot> slot_;
    };

    // The session's lane, made when needed; it goes away with its last holder.
    std::shared_ptr<Lane> lane(const std::string& session_id);

  private:
    std::mutex mutex_;
    std::unordered_map<std::string, std::weak_ptr<Lane>> lanes_;
};

}  // namespace imgsrv::services
