#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "domain/catalogue.h"
#include "domain/principal.h"
#include "domain/provisioning.h"
#include "domain/publishing.h"
#include "domain/upload.h"

namespace imgsrv::api {

// The JSON shapes of config/openapi.yaml. Null members are omitted.
using Json = nlohmann::ordered_json;

Json to_json(const domain::UploadSession& session);
Json to_json(const domain::UploadPart& part, std::string_view upload_id);
Json to_json(const domain::Image& image);
Json to_json(const domain::Version& version);
Json to_json(const domain::Artifact& artifact);
Json to_json(const domain::Attachment& attachment);
Json to_json(const domain::Manifest& manifest);
Json to_json(const domain::Alias& alias);
Json to_json(const domain::PublishJob& job);
Json to_json(const domain::Role& role);
Json to_json(const domain::Principal& principal);
Json to_json(const domain::ApiToken& token);
Json to_json(const domain::ProvisioningRule& rule);

}  // namespace imgsrv::api
