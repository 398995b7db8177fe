#pragma once

#include <span>
#include <string>
#include <vector>

#include "answers.h"
#include "client.h"

namespace imgsrv::s3 {

// S3 copies up to this size in one request.
inline constexpr std::uint64_t kMostCopiedAtOnce = 5ULL << 30;

// A range of an object inside of the store, pinned by its etag.
struct CopySource {
    std::string key;
    std::string etag;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

// Copies inside of the store; the bytes do not pass this process. The commit point is the store's own: the target
// appears whole or not at all. mark: which upload the target is made by; empty: none.
class Copier {
  public:
    explicit Copier(Client& client) : client_(client) {}

    // A whole object: source is all of it. Throws NOT_FOUND when it is gone and FAILED_PRECONDITION when it has
    // changed.
    void copy(const sdk::Call& call, const CopySource& source, const std::string& target, const std::string& mark);
    // The sources one after another. All but the last have 5 MiB or more. UNAVAILABLE with the outcome unknown when the
    // store no longer knows the copy that it should complete: an answer was lost, or another process aborted it.
    void join(const sdk::Call& call, std::span<const CopySource> sources, const std::string& target,
              const std::string& mark);

  private:
    std::vector<ListedPart> copy_parts(const sdk::Call& call, std::span<const CopySource> sources,
                                       const std::string& target, const std::string& id);
    void complete(const sdk::Call& call, const std::string& target, const std::string& id,
                  const std::vector<ListedPart>& parts);
    Answer send_pinned(const sdk::Call& call, Request request, const CopySource& source);

    Client& client_;
};

// Pieces of at most `most` bytes that are the source together, none below 5 MiB unless the source is; none at all of an
// empty one.
std::vector<CopySource> cut(const CopySource& source, std::uint64_t most);

}  // namespace imgsrv::s3
