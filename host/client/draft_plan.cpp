#include "client/draft_plan.h"

#include <algorithm>

namespace imgsrv::client {
namespace {

const Artifact* find_artifact(const Manifest& manifest, const Artifact& wanted) {
    const auto it = std::find_if(manifest.artifacts.begin(), manifest.artifacts.end(),
                                 [&](const Artifact& there) { return there.same_identity(wanted); });
    return it == manifest.artifacts.end() ? nullptr : &*it;
}

const Attachment* find_attachment(const Artifact& artifact, const std::string& name) {
    const auto it = std::find_if(artifact.attachments.begin(), artifact.attachments.end(),
                                 [&](const Attachment& there) { return there.name == name; });
    return it == artifact.attachments.end() ? nullptr : &*it;
}

// How an existing artifact differs from the wanted one; empty if it does not, or only lacks attachments.
std::string difference(const Artifact& there, const Artifact& wanted) {
    if (there.digest != wanted.digest)
        return "its " + there.describe() + " is " + there.digest + ", yours is " + wanted.digest;
    for (const Attachment& attachment : wanted.attachments) {
        const Attachment* other = find_attachment(there, attachment.name);
        if (other != nullptr && other->digest != attachment.digest)
            return "the attachment " + attachment.name + " of its " + there.describe() + " is " + other->digest +
                   ", yours is " + attachment.digest;
    }
    return {};
}

std::string title(const Manifest& manifest) {
    return manifest.image + " " + manifest.version;
}

}  // namespace

Result<DraftPlan> plan_draft(const Manifest& draft, const std::vector<Artifact>& wanted, bool replace) {
    DraftPlan plan;
    for (const Artifact& artifact : wanted) {
        const Artifact* there = find_artifact(draft, artifact);
        if (there == nullptr) {
            plan.add.push_back(artifact);
            continue;
        }
        const std::string unlike = difference(*there, artifact);
        if (!unlike.empty()) {
            if (!replace)
                return Status(Code::failed_precondition, "the draft " + title(draft) + " has different contents: " +
                                                             unlike + "; use --replace to replace it with yours");
            plan.remove.push_back(there->id);
            plan.add.push_back(artifact);
            continue;
        }
        for (const Attachment& attachment : artifact.attachments)
            if (find_attachment(*there, attachment.name) == nullptr)
                plan.attach.push_back({.artifact_id = there->id, .attachment = attachment});
    }
    return plan;
}

Status check_frozen(const Manifest& frozen, const std::vector<Artifact>& wanted) {
    const auto refuse = [&](const std::string& why) {
        return Status(Code::failed_precondition,
                      title(frozen) + " is " + frozen.state + " and cannot change: " + why +
                          (frozen.state == "published" ? "; publish yours as a new version" : ""));
    };
    for (const Artifact& artifact : wanted) {
        const Artifact* there = find_artifact(frozen, artifact);
        if (there == nullptr) return refuse("it has no " + artifact.describe());
        const std::string unlike = difference(*there, artifact);
        if (!unlike.empty()) return refuse(unlike);
        for (const Attachment& attachment : artifact.attachments)
            if (find_attachment(*there, attachment.name) == nullptr)
                return refuse("its " + there->describe() + " has no attachment " + attachment.name);
    }
    return {};
}

}  // namespace imgsrv::client
