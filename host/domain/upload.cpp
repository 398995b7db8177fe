#include "domain/upload.h"

#include <algorithm>
#include <array>
#include <utility>

namespace imgsrv::domain {
namespace {

constexpr std::array<std::pair<UploadState, std::string_view>, 7> kStates = {{
    {UploadState::created, "created"},
    {UploadState::uploading, "uploading"},
    {UploadState::completed, "completed"},
    {UploadState::ingesting, "ingesting"},
    {UploadState::ready, "ready"},
    {UploadState::failed, "failed"},
    {UploadState::aborted, "aborted"},
}};

}  // namespace

std::string_view to_string(UploadState state) {
    return kStates.at(static_cast<std::size_t>(state)).second;
}

UploadState parse_upload_state(std::string_view text) {
    for (const auto& [state, name] : kStates)
        if (name == text) return state;
    return UploadState::failed;
}

Status check_accepts_parts(const UploadSession& session, Time now) {
    if (session.state != UploadState::created && session.state != UploadState::uploading)
        return {Code::failed_precondition,
                "upload session " + session.id + " is " + std::string(to_string(session.state)) +
                    " and accepts no more parts" +
                    (session.failure_message ? " (" + *session.failure_message + ")" : std::string())};
    if (session.expires <= now)
        return {Code::failed_precondition,
                "upload session " + session.id + " expired at " + format_rfc3339(session.expires)};
    return {};
}

Status check_completion(const std::vector<UploadPart>& named, const std::vector<UploadPart>& accepted) {
    if (named.empty()) return {Code::invalid_argument, "parts must name at least one part"};
    std::uint32_t previous = 0;
    for (const UploadPart& part : named) {
        const std::string which = "part " + std::to_string(part.number);
        if (part.number <= previous)
            return {Code::invalid_argument, which + " comes after part " + std::to_string(previous) +
                                                "; parts must be in ascending order, each once"};
        previous = part.number;
        const auto it = std::find_if(accepted.begin(), accepted.end(),
                                     [&](const UploadPart& p) { return p.number == part.number; });
        if (it == accepted.end()) return {Code::invalid_argument, which + " has not been received"};
        if (it->etag != part.etag)
            return {Code::invalid_argument,
                    which + " was received with etag '" + it->etag + "', not '" + part.etag.substr(0, 128) + "'"};
        if (it->size != part.size)
            return {Code::invalid_argument, which + " was received with " + std::to_string(it->size) + " bytes, not " +
                                                std::to_string(part.size)};
    }
    return {};
}

bool hash_covers_first(const UploadSession& session, const std::vector<UploadPart>& named) {
    const std::uint32_t hashed = session.hashed_parts;
    return hashed == 0 || (named.size() >= hashed && named[hashed - 1].number == hashed);
}

}  // namespace imgsrv::domain
