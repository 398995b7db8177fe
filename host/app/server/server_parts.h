#pragma once

#include <memory>
#include <vector>

#include "app/backends/backends.h"
#include "app/server/monitoring.h"
#include "app/server/observers.h"
#include "app/server/request_log.h"
#include "app/server/server_app.h"
#include "background/hash_queue.h"
#include "background/notification_listener.h"
#include "background/worker.h"
#include "http/router.h"
#include "http/server.h"
#include "services/access/access_service.h"
#include "services/access/provisioning_service.h"
#include "services/catalogue/blob_service.h"
#include "services/catalogue/catalogue_service.h"
#include "services/catalogue/document_service.h"
#include "services/health_service.h"
#include "services/housekeeping/collector.h"
#include "services/housekeeping/scrubber.h"
#include "services/housekeeping/store_identity.h"
#include "services/publishing/publish_service.h"
#include "services/publishing/step_runner.h"
#include "services/uploads/promotion_service.h"
#include "services/uploads/upload_service.h"

namespace imgsrv::app {

// What a server is made of, in the order in which it is made. Members are destroyed from the last to the first: doors,
// workers, services, backends, plugins.
struct ServerApp::Parts {
    explicit Parts(const config::Settings& s) : settings(s) {}
    ~Parts() { monitoring.stop(); }  // a scrape asks everybody

    const config::Settings& settings;
    Monitoring monitoring;
    plugin::PluginRegistry registry;
    Backends backends;
    services::CatalogueClock clock;
    services::HealthService health;
    std::unique_ptr<services::StoreIdentity> identity;
    std::unique_ptr<services::UploadService> uploads;
    std::unique_ptr<services::PromotionService> promotion;
    std::unique_ptr<services::BlobService> blobs;
    std::unique_ptr<services::Collector> collector;
    std::unique_ptr<services::Scrubber> scrubber;
    std::unique_ptr<services::CatalogueService> catalogue;
    std::unique_ptr<services::PublishService> publishing;
    std::unique_ptr<services::StepRunner> steps;
    std::unique_ptr<services::DocumentService> documents;
    std::unique_ptr<services::AccessService> access;
    std::unique_ptr<services::ProvisioningService> provisioning;
    std::unique_ptr<background::HashQueue> hash_queue;
    std::unique_ptr<background::Worker> promotion_worker;
    std::unique_ptr<background::Worker> publish_worker;
    std::unique_ptr<background::Worker> sweeper;
    std::unique_ptr<background::Worker> collector_worker;
    std::unique_ptr<background::Worker> scrub_worker;
    std::unique_ptr<background::Worker> health_worker;
    std::unique_ptr<background::Worker> generation_worker;
    std::unique_ptr<background::NotificationListener> listener;
    std::unique_ptr<background::Worker> notification_worker;
    std::vector<std::unique_ptr<background::Worker>> authenticator_workers;
    RequestLog request_log;
    Observers observers;
    http::Router router;
    std::unique_ptr<http::Server> server;

    // Plugins, backends, migrations.
    Status open(const ports::Call& call);
    // failed_precondition when the object store is known not to be the database's. One that is away is asked again with
    // each look at its health.
    Status know_store(const ports::Call& call);
    Status make_services(const ports::Call& call);
    // Everything that runs in the background; nothing runs yet.
    void make_workers();
    // Of them, what keeps stored data true.
    void make_housekeepers();
    // The routes and the listeners, the metrics' last.
    Status make_doors();
    std::vector<background::Worker*> workers() const {
        std::vector<background::Worker*> all;
        for (const auto* w : {&promotion_worker, &publish_worker, &sweeper, &collector_worker, &scrub_worker,
                              &health_worker, &generation_worker, &notification_worker})
            if (*w) all.push_back(w->get());
        for (const auto& worker : authenticator_workers) all.push_back(worker.get());
        return all;
    }
};

}  // namespace imgsrv::app
