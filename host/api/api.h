#pragma once

#include <functional>
#include <memory>
#include <string>

#include "api/response_cache.h"
#include "http/router.h"
#include "services/access/access_service.h"
#include "services/access/provisioning_service.h"
#include "services/catalogue/blob_service.h"
#include "services/catalogue/catalogue_service.h"
#include "services/catalogue/document_service.h"
#include "services/health_service.h"
#include "services/publishing/publish_service.h"
#include "services/uploads/upload_service.h"

namespace imgsrv::api {

// What the routes use. Everything outlives the router.
struct Services {
    services::AccessService& access;
    services::ProvisioningService& provisioning;
    services::UploadService& uploads;
    services::BlobService& blobs;
    services::CatalogueService& catalogue;
    services::PublishService& publishing;
    services::DocumentService& documents;
    services::HealthService& health;
    const services::CatalogueClock& clock;
    std::string openapi;  // the document served at /openapi/v1.yaml
};

// Adds every route of config/openapi.yaml to the router. The state that the routes share lives as long as the handlers.
void add_routes(http::Router& router, Services services);

}  // namespace imgsrv::api
