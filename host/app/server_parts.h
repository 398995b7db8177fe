#pragma once

#include <memory>
#include <vector>

#include "app/backends.h"
#include "app/monitoring.h"
#include "app/observers.h"
#include "app/request_log.h"
#include "app/server_app.h"
#include "http/router.h"
#include "http/server.h"
#include "jobs/hash_queue.h"
#include "jobs/notification_listener.h"
#include "jobs/worker.h"
#include "services/access.h"
#include "services/blobs.h"
#include "services/catalogue.h"
#include "services/collector.h"
#include "services/documents.h"
#include "services/health.h"
#include "services/promotion.h"
#include "services/provisioning.h"
#include "services/publishing.h"
#include "services/scrubber.h"
#include "services/step_runner.h"
#include "services/store_identity.h"
#include "services/uploads.h"

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
    std::unique_ptr<jobs::HashQueue> hash_queue;
    std::unique_ptr<jobs::Worker> promotion_worker;
    std::unique_ptr<jobs::Worker> publish_worker;
    std::unique_ptr<jobs::Worker> sweeper;
    std::unique_ptr<jobs::Worker> collector_worker;
    std::unique_ptr<jobs::Worker> scrub_worker;
    std::unique_ptr<jobs::Worker> health_worker;
    std::unique_ptr<jobs::Worker> generation_worker;
    std::unique_ptr<jobs::NotificationListener> listener;
    std::unique_ptr<jobs::Worker> notification_worker;
    std::vector<std::unique_ptr<jobs::Worker>> authenticator_workers;
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
    void make_keepers();
    // The routes and the listeners, the metrics' last.
    Status make_doors();
    std::vector<jobs::Worker*> workers() const {
        std::vector<jobs::Worker*> all;
        for (const auto* w : {&promotion_worker, &publish_worker, &sweeper, &collector_worker, &scrub_worker,
                              &health_worker, &generation_worker, &notification_worker})
            if (*w) all.push_back(w->get());
        for (const auto& worker : authenticator_workers) all.push_back(worker.get());
        return all;
    }
};

}  // namespace imgsrv::app
