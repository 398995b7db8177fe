#pragma once

#include <memory>
#include <string>

#include "app/backends/backends.h"
#include "app/server/monitoring.h"
#include "app/server/observers.h"
#include "app/server/request_log.h"
#include "app/server/server_app.h"
#include "background/hash_queue.h"
#include "background/worker_list.h"
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
#include "services/uploads/part_hasher.h"
#include "services/uploads/parts_in_flight.h"
#include "services/uploads/promotion_service.h"
#include "services/uploads/staging_sweeper.h"
#include "services/uploads/upload_service.h"

namespace imgsrv::app {

// Workers that others wake.
inline constexpr const char* kPromotionWorker = "cas-promotion";
inline constexpr const char* kPublishWorker = "publish";
inline constexpr const char* kGenerationWorker = "generation";

// What a server is made of, in the order in which it is made. Members are destroyed from the last to the first: doors,
// workers, services, backends, plugins.
struct ServerApp::Parts {
    explicit Parts(const config::Settings& s) : settings(s) {}
    ~Parts() { monitoring.stop(); }  // a scrape reads all of them

    const config::Settings& settings;
    Monitoring monitoring;
    plugin::PluginRegistry registry;
    Backends backends;
    services::CatalogueClock clock;
    services::HealthService health;
    std::unique_ptr<services::StoreIdentity> identity;
    services::PartsInFlight parts_in_flight;
    std::unique_ptr<services::UploadService> uploads;
    std::unique_ptr<services::PartHasher> part_hasher;
    std::unique_ptr<services::StagingSweeper> staging_sweeper;
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
    background::WorkerList workers;
    RequestLog request_log;
    Observers observers;
    http::Router router;
    std::unique_ptr<http::Server> server;

    // Plugins, backends, migrations.
    Status open(const ports::Call& call);
    // failed_precondition: the object store is not the database's. A store that is unavailable is asked again with each
    // health check.
    Status know_store(const ports::Call& call);
    Status make_services(const ports::Call& call);
    // Everything that runs in the background, in the order in which it starts, with its line in the health report;
    // nothing runs yet. It stops in the reverse order: those that wake others end before them.
    void make_workers();
    // The routes and the listeners. Requests come in from here on.
    Status make_doors();

  private:
    void make_upload_services(const std::string& owner);
    void make_housekeeping_services(const std::string& owner);
    Status make_publishing_services(const std::string& owner);
    // Hands back what an earlier process of this node held when it died, so that it goes on at once.
    Status end_old_leases(const ports::Call& call, const std::string& node);
    void add_health_checks();
    void add_promotion();
    void add_publishing();
    void add_sweeper();
    void add_collector();
    void add_scrubber();
    void add_health();
    void add_authenticators();
    // Both follow what other nodes commit.
    void add_generation();
    void add_notifications();
    // The API's addresses, then the metrics' one.
    Status listen();
};

}  // namespace imgsrv::app
