#include "app/server_app.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

#include "api/api.h"
#include "app/backends.h"
#include "app/layout.h"
#include "app/monitoring.h"
#include "app/observers.h"
#include "app/request_log.h"
#include "core/log.h"
#include "core/uuid.h"
#include "http/server.h"
#include "jobs/hash_queue.h"
#include "jobs/notification_listener.h"
#include "jobs/worker.h"
#include "services/collector.h"
#include "services/health.h"
#include "services/promotion.h"
#include "services/scrubber.h"
#include "store/channels.h"
#include "store/migrations.h"
#include "store/publishing.h"
#include "store/uploads.h"
#include "telemetry/measured_object_store.h"

namespace imgsrv::app {
namespace {

std::string node_name(const config::Settings& settings) {
    if (!settings.text("node-name").empty()) return settings.text("node-name");
    std::array<char, 256> name{};
    ::gethostname(name.data(), name.size() - 1);
    return name.data();
}

}  // namespace

// Members are destroyed from the last to the first: doors, workers, services, backends, plugins.
struct ServerApp::Parts {
    explicit Parts(const config::Settings& s) : settings(s) {}
    ~Parts() { monitoring.stop(); }  // a scrape asks everybody

    const config::Settings& settings;
    Monitoring monitoring;
    plugin::PluginRegistry registry;
    Backends backends;
    services::CatalogueClock clock;
    services::HealthService health;
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

    Status open(const ports::Call& call);
    Status make_services(const ports::Call& call);
    void make_workers();
    void make_keepers();
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

Status ServerApp::Parts::open(const ports::Call& call) {
    IMGSRV_TRY(load_plugins(settings, registry));
    backends.metrics = &monitoring.plugin_sink();
    IMGSRV_TRY(open_database(settings, registry, backends));
    IMGSRV_ASSIGN(const auto migrations, store::load_migrations(find_layout().migrations, backends.pool->dialect()));
    IMGSRV_TRY(store::migrate(*backends.pool, call, migrations).status());
    IMGSRV_TRY(open_others(settings, registry, backends));
    backends.objects = telemetry::measure(std::move(backends.objects), monitoring.registry());
    return {};
}

Status ServerApp::Parts::make_services(const ports::Call& call) {
    store::Pool& pool = *backends.pool;
    const std::string node = node_name(settings) + "/";
    const std::string owner = node + new_uuid();

    services::UploadOptions upload;
    upload.ttl = std::chrono::duration_cast<std::chrono::seconds>(settings.duration("upload-ttl"));
    uploads = std::make_unique<services::UploadService>(
        pool, *backends.objects, upload,
        [this] {
            if (promotion_worker) promotion_worker->wake();
        },
        [this](std::string id) { hash_queue->add(std::move(id)); });
    promotion = std::make_unique<services::PromotionService>(pool, *backends.objects, owner);
    blobs = std::make_unique<services::BlobService>(pool, *backends.objects);
    services::CollectorOptions collection;
    collection.grace = settings.duration("gc-grace");
    collector = std::make_unique<services::Collector>(pool, *backends.objects, collection);
    scrubber = std::make_unique<services::Scrubber>(
        pool, *backends.objects, owner,
        services::ScrubberOptions{settings.size("scrub-rate"), settings.duration("scrub-interval")});
    catalogue = std::make_unique<services::CatalogueService>(pool, clock);
    publishing =
        std::make_unique<services::PublishService>(pool, backends.pipeline, [this] { publish_worker->wake(); });
    steps = std::make_unique<services::StepRunner>(pool, *blobs, backends.steps, clock, owner);
    IMGSRV_ASSIGN(documents, services::DocumentService::create(pool, backends.steps, clock));
    access = std::make_unique<services::AccessService>(pool, std::move(backends.authenticators));
    provisioning = std::make_unique<services::ProvisioningService>(pool, access->authenticators());

    IMGSRV_TRY(catalogue->refresh_generation(call));
    // What an earlier process of this node held when it died goes on at once.
    IMGSRV_TRY(pool.write(call, [&](store::Transaction& tx) -> Status {
        IMGSRV_TRY(store::uploads::end_leases(tx, node));
        return store::publishing::end_leases(tx, node);
    }));

    health.add("database", [this](const ports::Call& c) { return backends.database->health(c); });
    health.add("storage", [this](const ports::Call& c) { return backends.objects->health(c); });
    for (const auto& authenticator : access->authenticators())
        health.add("auth-" + std::string(authenticator->name()),
                   [a = authenticator.get()](const ports::Call& c) { return a->health(c); });
    for (const auto& [name, step] : backends.steps)
        health.add("step-" + name, [s = step.get()](const ports::Call& c) { return s->health(c); });
    return {};
}

void ServerApp::Parts::make_workers() {
    using std::chrono::milliseconds;
    using std::chrono::seconds;
    hash_queue = std::make_unique<jobs::HashQueue>(
        std::max(1U, std::thread::hardware_concurrency() / 2),
        [this](const ports::Call& call, const std::string& id) { return uploads->hash_backlog(call, id); });

    if (settings.boolean("cas-promotion-enabled")) {
        jobs::WorkerOptions options;
        options.name = "cas-promotion";
        options.poll_interval = settings.duration("cas-promotion-poll-interval");
        options.backoff = settings.duration("cas-promotion-error-backoff");
        options.backoff_max = settings.duration("cas-promotion-error-backoff-max");
        options.breaker_failures = static_cast<int>(settings.integer("cas-promotion-circuit-breaker-failures"));
        options.breaker_cooldown = settings.duration("cas-promotion-circuit-breaker-cooldown");
        options.threads = 2;
        options.idle_is_success = false;
        promotion_worker = std::make_unique<jobs::Worker>(options, [this](const ports::Call& call) -> Result<bool> {
            IMGSRV_ASSIGN(const auto outcome, promotion->run_one(call, promotion_worker->current_backoff()));
            return outcome != services::PromotionService::Outcome::idle;
        });
    }

    jobs::WorkerOptions publish;
    publish.name = "publish";
    publish.poll_interval = seconds(2);
    publish.backoff = seconds(1);
    publish.breaker_failures = 0;
    publish.threads = 2;
    publish_worker =
        std::make_unique<jobs::Worker>(publish, [this](const ports::Call& call) { return steps->run_one(call); });

    jobs::WorkerOptions sweep;
    sweep.name = "sweeper";
    sweep.poll_interval = seconds(60);
    sweep.breaker_failures = 0;
    sweeper = std::make_unique<jobs::Worker>(sweep, [this](const ports::Call& call) -> Result<bool> {
        IMGSRV_TRY(uploads->sweep(call));
        return false;
    });

    make_keepers();

    jobs::WorkerOptions look;
    look.name = "health";
    look.poll_interval = seconds(1);
    health_worker = std::make_unique<jobs::Worker>(look, [this](const ports::Call& call) -> Result<bool> {
        health.look(call);
        return false;
    });

    for (const auto& authenticator : access->authenticators()) {
        if (authenticator->tick_interval() <= milliseconds(0)) continue;
        jobs::WorkerOptions tick;
        tick.name = "auth-" + std::string(authenticator->name());
        tick.poll_interval = authenticator->tick_interval();
        tick.breaker_failures = 0;
        authenticator_workers.push_back(
            std::make_unique<jobs::Worker>(tick, [a = authenticator.get()](const ports::Call& call) -> Result<bool> {
                IMGSRV_TRY(a->tick(call));
                return false;
            }));
    }

    if (backends.database->can_listen()) {
        const auto waking = [](const std::unique_ptr<jobs::Worker>& worker) {
            return [&worker] {
                if (worker) worker->wake();
            };
        };
        listener = std::make_unique<jobs::NotificationListener>(
            *backends.database, std::map<std::string, std::function<void()>>{
                                    {std::string(store::kUploadsChannel), waking(promotion_worker)},
                                    {std::string(store::kJobsChannel), waking(publish_worker)},
                                    {std::string(store::kCatalogueChannel), waking(generation_worker)}});
        jobs::WorkerOptions hear;
        hear.name = "notifications";
        hear.backoff = seconds(1);
        hear.backoff_max = seconds(5);
        hear.breaker_failures = 0;
        notification_worker =
            std::make_unique<jobs::Worker>(hear, [this](const ports::Call& call) { return listener->run_once(call); });
    }

    // Other nodes change the catalogue too, where there can be any.
    if (backends.database->concurrent_writers()) {
        jobs::WorkerOptions follow;
        follow.name = "generation";
        follow.poll_interval = milliseconds(500);
        follow.backoff = seconds(1);
        follow.breaker_failures = 0;
        generation_worker = std::make_unique<jobs::Worker>(follow, [this](const ports::Call& call) -> Result<bool> {
            IMGSRV_TRY(catalogue->refresh_generation(call));
            return false;
        });
    }
}

// What keeps stored data true.
void ServerApp::Parts::make_keepers() {
    // What `imgsrv gc` queued beside the server is removed this soon.
    constexpr std::chrono::milliseconds kLongestPoll = std::chrono::seconds(15);
    const auto interval = settings.duration("gc-interval");
    if (interval.count() > 0) {
        jobs::WorkerOptions collection;
        collection.name = "gc";
        collection.poll_interval = std::min(interval, kLongestPoll);
        collection.breaker_failures = 0;
        collector_worker = std::make_unique<jobs::Worker>(
            collection,
            [this, interval](const ports::Call& call) -> Result<bool> { return collector->run_due(call, interval); });
    }
    if (settings.size("scrub-rate") > 0) {
        jobs::WorkerOptions scrub;
        scrub.name = "scrub";
        scrub.poll_interval =
            std::min<std::chrono::milliseconds>(settings.duration("scrub-interval"), std::chrono::minutes(1));
        scrub.breaker_failures = 0;
        scrub_worker =
            std::make_unique<jobs::Worker>(scrub, [this](const ports::Call& call) { return scrubber->run_one(call); });
    }
}

Status ServerApp::Parts::make_doors() {
    std::ifstream in(find_layout().openapi, std::ios::binary);
    std::ostringstream openapi;
    openapi << in.rdbuf();
    if (!in) return {Code::not_found, "the API description '" + find_layout().openapi.string() + "' cannot be read"};
    api::add_routes(router, {*access, *provisioning, *uploads, *blobs, *catalogue, *publishing, *documents, health,
                             clock, openapi.str()});
    for (const http::Route& route : router.routes())
        log::debug("route", {{"method", http::to_string(route.method)}, {"pattern", route.pattern}});

    IMGSRV_TRY(monitoring.add_route(settings, router));
    observers.add(request_log);
    observers.add(monitoring.observe(router));
    http::Limits limits;
    limits.requests_per_minute = static_cast<unsigned>(settings.integer("rate-limit"));
    limits.trusted_hops = settings.hops("trust-proxy");
    server = std::make_unique<http::Server>(router, limits, &observers);
    monitoring.watch({registry, *backends.pool, clock, health, *collector, *scrubber, *server, workers(),
                      settings.text("data-dir")});
    const std::string& plain = settings.text("listen");
    const std::string& tls = settings.text("tls-listen");
    if (plain.empty() && tls.empty()) return {Code::invalid_argument, "neither listen nor tls-listen is set"};
    if (!tls.empty() && (settings.text("tls-certificate").empty() || settings.text("tls-key").empty()))
        return {Code::invalid_argument, "tls-listen needs tls-certificate and tls-key"};
    if (!plain.empty()) IMGSRV_TRY(server->listen({plain, "", ""}));
    if (!tls.empty()) IMGSRV_TRY(server->listen({tls, settings.text("tls-certificate"), settings.text("tls-key")}));
    IMGSRV_TRY(server->start());
    IMGSRV_TRY(monitoring.start(settings));
    const auto addresses = server->addresses();
    for (std::size_t i = 0; i < addresses.size(); ++i)
        log::info("listening", {{"address", addresses[i]}, {"tls", plain.empty() || i > 0}});
    return {};
}

ServerApp::ServerApp(const config::Settings& settings) : settings_(settings) {}

ServerApp::~ServerApp() = default;

Status ServerApp::start() {
    parts_ = std::make_unique<Parts>(settings_);
    const ports::Call call{"start", std::nullopt, nullptr};
    IMGSRV_TRY(parts_->open(call));
    IMGSRV_TRY(parts_->make_services(call));
    IMGSRV_TRY(parts_->access->bootstrap(call, [](const std::string& token) {
        std::printf("imgsrv bootstrap token (one-time): %s\n", token.c_str());
        std::fflush(stdout);
    }));
    parts_->health.look(call);
    parts_->make_workers();
    for (const jobs::Worker* worker : parts_->workers())
        parts_->health.add_report("worker-" + worker->name(), [worker] {
            const auto stats = worker->stats();
            return stats.consecutive_failures > 0 ? stats.last_error_text : std::string();
        });
    IMGSRV_TRY(parts_->make_doors());
    parts_->hash_queue->start();
    for (jobs::Worker* worker : parts_->workers()) worker->start();
    return {};
}

Status ServerApp::reload() {
    Status status = parts_->server->reload_tls();
    if (status.ok())
        log::info("certificates read again");
    else
        log::error("certificates not read, the old ones stay", {{"error", status.describe()}});
    return status;
}

std::string ServerApp::listens_on() const {
    std::string list;
    for (const auto& address : parts_->server->addresses()) (list += list.empty() ? "" : " and ") += address;
    return "Listening on " + list;
}

bool ServerApp::responsive(std::chrono::milliseconds patience) const {
    return parts_->server->responsive(patience);
}

void ServerApp::stop() {
    parts_->health.set_draining();
    const bool all = parts_->server->stop(settings_.duration("shutdown-timeout"));
    if (!all) log::warn("some requests did not finish in time");
    parts_->monitoring.stop();
    for (jobs::Worker* worker : parts_->workers()) worker->stop();
    parts_->hash_queue->stop();
}

}  // namespace imgsrv::app
