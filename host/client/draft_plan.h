#pragma once

#include <string>
#include <vector>

#include "client/catalogue.h"
#include "core/status.h"

namespace imgsrv::client {

// What is to be done to a draft so that it holds the wanted artifacts; other artifacts in it stay.
struct DraftPlan {
    struct NewAttachment {
        std::string artifact_id;
        Attachment attachment;
    };
    std::vector<std::string> remove;  // ids of artifacts that another one replaces
    std::vector<Artifact> add;        // with their attachments
    std::vector<NewAttachment> attach;

    bool empty() const { return remove.empty() && add.empty() && attach.empty(); }
};

// failed_precondition when the draft holds something else in a wanted place and `replace` is not set. Pure.
Result<DraftPlan> plan_draft(const Manifest& draft, const std::vector<Artifact>& wanted, bool replace);

// OK when a frozen version (publishing or published) holds every wanted artifact and attachment with the wanted
// digests; else failed_precondition with the difference. Pure.
Status check_frozen(const Manifest& frozen, const std::vector<Artifact>& wanted);

}  // namespace imgsrv::client
