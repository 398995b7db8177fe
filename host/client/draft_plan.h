#pragma once

#include <string>
#include <vector>

#include "client/catalogue.h"
#include "core/status.h"

namespace imgsrv::client {

// The changes that give a draft the wanted artifacts. Its other artifacts stay.
struct DraftPlan {
    struct NewAttachment {
        std::string artifact_id;
        Attachment attachment;
    };
    std::vector<std::string> remove;  // ids of artifacts to be replaced
    std::vector<Artifact> add;        // with their attachments
    std::vector<NewAttachment> attach;

    bool empty() const { return remove.empty() && add.empty() && attach.empty(); }
};

// failed_precondition when the draft has a different file for a wanted artifact and `replace` is not set. Pure.
Result<DraftPlan> plan_draft(const Manifest& draft, const std::vector<Artifact>& wanted, bool replace);

// OK if a frozen version (publishing or published) has every wanted artifact and attachment with the wanted digests;
// otherwise failed_precondition with the difference. Pure.
Status check_frozen(const Manifest& frozen, const std::vector<Artifact>& wanted);

}  // namespace imgsrv::client
