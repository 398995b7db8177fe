#pragma once

#include <memory>
#include <utility>

#include "core/sha256.h"
#include "domain/upload.h"
#include "services/uploads/parts_in_flight.h"

namespace imgsrv::services {

// The running hash that is stored with a session. failed_precondition: see Sha256::restore().
inline Result<Sha256> running_hash(const domain::UploadSession& session) {
    if (session.hashed_parts == 0) return Sha256();
    return Sha256::restore(session.hash_state);
}

// The session with its running hash moved to after `parts`.
inline domain::UploadSession with_hash(const domain::UploadSession& session, std::uint32_t parts, const Sha256& hash) {
    domain::UploadSession moved = session;
    moved.hashed_parts = parts;
    moved.hashed_bytes = hash.length();
    moved.hash_state = hash.save();
    return moved;
}

// Releases the right to hash at the end of a scope.
class HashOwner {
  public:
    // session: the one whose hash the caller owns, or null.
    explicit HashOwner(std::shared_ptr<PartsInFlight::Session> session) : session_(std::move(session)) {}
    ~HashOwner() { release(); }
    HashOwner(const HashOwner&) = delete;

    explicit operator bool() const { return session_ != nullptr; }
    void release() {
        if (auto session = std::move(session_)) session->release_hash();
    }

  private:
    std::shared_ptr<PartsInFlight::Session> session_;
};

}  // namespace imgsrv::services
