#include "copier.h"

#include <algorithm>

#include "requests.h"
#include "upload_parts.h"

namespace imgsrv::s3 {
namespace {

// Small enough to be done within the limit of one request, large enough to keep 10,000 parts for 5 TiB.
constexpr std::uint64_t kPiece = 640ULL << 20;

}  // namespace

std::vector<CopySource> cut(const CopySource& source, std::uint64_t most) {
    const std::uint64_t count = std::max<std::uint64_t>(1, (source.length + most - 1) / most);
    // Even pieces, so that no small rest remains.
    const std::uint64_t even = (source.length + count - 1) / count;
    std::vector<CopySource> pieces;
    for (std::uint64_t at = 0; at < source.length; at += even)
        pieces.push_back({source.key, source.etag, source.offset + at, std::min(even, source.length - at)});
    return pieces;
}

Answer Copier::send_pinned(const sdk::Call& call, Request request, const CopySource& source) {
    auto answer = client_.send(call, request);
    if (!answer.is(412, "PreconditionFailed")) return answer;
    // Swift refuses the condition for every source that was made of parts, though it is the etag that it tells.
    const auto unchanged = [&] {
        const auto head = client_.send(call, head_object(source.key));
        return head.ok() && head.etag() == source.etag;
    };
    if (!unchanged()) return answer;
    request.headers.erase(kCopyCondition);
    auto unpinned = client_.send(call, request);
    return unpinned.ok() && !unchanged() ? answer : unpinned;
}

void Copier::copy(const sdk::Call& call, const CopySource& source, const std::string& target, const std::string& mark) {
    // Larger ones are tried too: some stores copy by reference, whatever the size, and the others refuse at once.
    const auto request = copy_object(client_.settings().address, source, target, mark);
    // The commit point.
    const auto answer = send_pinned(call, request, source);
    if (answer.ok()) return expect_copied(answer.body);
    const bool too_large =
        source.length > kMostCopiedAtOnce && (answer.is(413, "EntityTooLarge") || answer.is(400, "InvalidRequest"));
    if (!too_large) throw client_.failure(request, answer);
    join(call, {&source, 1}, target, mark);
}

void Copier::join(const sdk::Call& call, std::span<const CopySource> sources, const std::string& target,
                  const std::string& mark) {
    const auto id = parse_upload_id(client_.send_ok(call, create_upload(target, mark)).body);
    try {
        complete(call, target, id, copy_parts(call, sources, target, id));
    } catch (const sdk::Failure&) {
        try {
            client_.send(call, abort_upload(target, id));
        } catch (const sdk::Failure& e) {
            client_.log().warn(call, "an unfinished copy could not be removed", {{"key", target}, {"error", e.what()}});
        }
        throw;
    }
}

std::vector<ListedPart> Copier::copy_parts(const sdk::Call& call, std::span<const CopySource> sources,
                                           const std::string& target, const std::string& id) {
    std::vector<ListedPart> parts;
    for (const auto& source : sources) {
        for (const auto& piece : cut(source, kPiece)) {
            const auto number = static_cast<std::uint32_t>(parts.size() + 1);
            const auto request = copy_part(client_.settings().address, piece, target, id, number);
            const auto answer = send_pinned(call, request, piece);
            if (!answer.ok()) throw client_.failure(request, answer);
            parts.push_back({number, piece.length, parse_copied_part(answer.body)});
        }
    }
    if (parts.empty()) {
        TextPayload nothing("");
        parts.push_back({1, 0, client_.send_ok(call, upload_part(target, id, 1, nothing)).etag()});
    }
    return parts;
}

void Copier::complete(const sdk::Call& call, const std::string& target, const std::string& id,
                      const std::vector<ListedPart>& parts) {
    TextPayload document(completion_document(parts));
    const auto request = complete_upload(target, id, document);
    // The commit point.
    const auto answer = client_.send(call, request);
    if (answer.is(404, "NoSuchUpload")) {
        // An earlier attempt whose answer was lost may have done it.
        const auto head = client_.send(call, head_object(target));
        if (head.ok() && head.etag() == joined_etag(parts)) return;
        // Not NOT_FOUND, which says that there is no source.
        throw sdk::Failure(IMGSRV_UNAVAILABLE, "whether the copy was made is not known")
            .with_native("NoSuchUpload")
            .with_retryable()
            .with_outcome_unknown();
    }
    if (!answer.ok()) throw client_.failure(request, answer);
    expect_completed(answer.body);
}

}  // namespace imgsrv::s3
