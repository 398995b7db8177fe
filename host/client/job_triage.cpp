#include "client/job_triage.h"

#include <algorithm>

namespace imgsrv::client {
namespace {

constexpr std::string_view kPrefix = "sha256:";
constexpr std::size_t kHexDigits = 64;

bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

void add_once(std::vector<std::string>& list, std::string text) {
    if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(std::move(text));
}

// What to do, by the class of the failure.
std::string remedy(const Job& job, bool names_digests) {
    if (job.reason == "failed_precondition" || job.reason == "not_found" || job.reason == "invalid_argument")
        return names_digests ? "upload what is missing" : "fix what it reports";
    if (job.reason == "data_loss") return "upload the damaged bytes again ('imgsrv fsck' lists what else is damaged)";
    if (job.reason == "unavailable" || job.reason == "deadline" || job.reason == "resource_exhausted")
        return "wait until the server's /health is ok";
    return "see the server's log for the request job-" + job.id;
}

}  // namespace

std::vector<std::string> digests_in(std::string_view text) {
    std::vector<std::string> found;
    for (auto at = text.find(kPrefix); at != std::string_view::npos; at = text.find(kPrefix, at + 1)) {
        const std::string_view hex = text.substr(at + kPrefix.size(), kHexDigits);
        if (hex.size() == kHexDigits && std::all_of(hex.begin(), hex.end(), is_hex))
            add_once(found, std::string(kPrefix) + std::string(hex));
    }
    return found;
}

Result<std::vector<std::string>> digests_of_version(Catalogue& catalogue, const Job& job) {
    std::vector<std::string> digests;
    IMGSRV_ASSIGN(const auto manifest, catalogue.find_version(job.image, job.version));
    if (!manifest) return digests;
    for (const auto& artifact : manifest->artifacts) {
        add_once(digests, artifact.digest);
        for (const auto& attachment : artifact.attachments) add_once(digests, attachment.digest);
    }
    return digests;
}

std::string what_failed(const Job& job) {
    if (job.failure.empty()) return "";
    return " (" + (job.failed_step.empty() ? std::string("it") : job.failed_step) + " failed: " + job.failure + ")";
}

std::string triage(const Job& job, const std::vector<std::string>& digests) {
    if (job.state == "succeeded") return "";
    if (job.state == "abandoned") return "next: publish " + job.image + " " + job.version + " again\n";
    if (job.state != "failed")
        return "next: wait; 'imgsrv fsck' on the server shows whether it is stuck, 'imgsrv job abandon " + job.id +
               "' gives up a queued job\n";

    std::string text = job.image + " " + job.version + " failed";
    if (!job.failed_step.empty()) text += " in " + job.failed_step;
    if (!job.reason.empty()) text += " (" + job.reason + ")";
    text += ": " + job.failure + "\n";
    const auto named = digests_in(job.failure);
    for (const auto& digest : named.empty() ? digests : named)
        text += (named.empty() ? "  of the version: " : "  affected: ") + digest + "\n";
    text += "  next: " + remedy(job, !named.empty()) + ", then 'imgsrv job retry " + job.id +
            "'; to change the version, 'imgsrv job abandon " + job.id + "'\n";
    return text;
}

}  // namespace imgsrv::client
