#include "app/server/server_app.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "api/api.h"
#include "app/backends/layout.h"
#include "app/server/config_check.h"
#include "app/server/server_parts.h"
#include "core/log.h"
#include "core/uuid.h"
#include "store/migrations.h"
#include "store/publishing/publishing.h"
#include "store/uploads/uploads.h"
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

Status ServerApp::Parts::open(const ports::Call& call) {
    IMGSRV_TRY(load_drivers(settings, registry));
    IMGSRV_TRY(check_configuration(settings, registry));
    backends.metrics = &monitoring.plugin_sink();
    IMGSRV_TRY(open_database(settings, registry, backends));
    IMGSRV_ASSIGN(const auto migrations, store::load_migrations(find_layout().migrations, backends.pool->dialect()));
    IMGSRV_TRY(store::migrate(*backends.pool, call, migrations).status());
    IMGSRV_TRY(open_others(settings, registry, backends));
    // Uses the unwrapped store, so that health checks stay out of the metrics.
    identity = std::make_unique<services::StoreIdentity>(*backends.pool, *backends.objects, backends.objects_place);
    backends.objects = telemetry::measure(std::move(backends.objects), monitoring.registry());
    return {};
}

Status ServerApp::Parts::know_store(const ports::Call& call) {
    constexpr auto kLimit = std::chrono::seconds(5);
    Status known = identity->establish({call.request_id, std::chrono::steady_clock::now() + kLimit, nullptr});
    if (known.code() == Code::failed_precondition) return known;
    if (!known.ok()) log::warn("object store not identified yet", {{"error", known.describe()}});
    return {};
}

Status ServerApp::Parts::make_services(const ports::Call& call) {
    const std::string node = node_name(settings) + "/";
    const std::string owner = node + new_uuid();
    make_upload_services(owner);
    make_housekeeping_services(owner);
    IMGSRV_TRY(make_publishing_services(owner));
    access = std::make_unique<services::AccessService>(*backends.pool, std::move(backends.authenticators));
    provisioning = std::make_unique<services::ProvisioningService>(*backends.pool, access->authenticators());
    IMGSRV_TRY(catalogue->refresh_generation(call));
    IMGSRV_TRY(end_old_leases(call, node));
    add_health_checks();
    return {};
}

void ServerApp::Parts::make_upload_services(const std::string& owner) {
    services::UploadOptions options;
    options.ttl = std::chrono::duration_cast<std::chrono::seconds>(settings.duration("upload-ttl"));
    uploads = std::make_unique<services::UploadService>(
        *backends.pool, *backends.objects, parts_in_flight, options, [this] { workers.wake(kPromotionWorker); },
        [this](std::string id) { hash_queue->add(std::move(id)); });
    part_hasher = std::make_unique<services::PartHasher>(*backends.pool, *backends.objects, parts_in_flight);
    staging_sweeper = std::make_unique<services::StagingSweeper>(*backends.pool, *backends.objects, options.ttl);
    promotion = std::make_unique<services::PromotionService>(
        *backends.pool, *backends.objects, *identity,
        services::PromotionPauses{settings.duration("cas-promotion-error-backoff"),
                                  settings.duration("cas-promotion-error-backoff-max")},
        owner);
    blobs = std::make_unique<services::BlobService>(*backends.pool, *backends.objects);
}

void ServerApp::Parts::make_housekeeping_services(const std::string& owner) {
    services::CollectorOptions collection;
    collection.grace = settings.duration("gc-grace");
    collector = std::make_unique<services::Collector>(*backends.pool, *backends.objects, collection);
    scrubber = std::make_unique<services::Scrubber>(
        *backends.pool, *backends.objects, *identity, owner,
        services::ScrubberOptions{settings.size("scrub-rate"), settings.duration("scrub-interval")});
}

Status ServerApp::Parts::make_publishing_services(const std::string& owner) {
    catalogue = std::make_unique<services::CatalogueService>(*backends.pool, clock);
    publishing = std::make_unique<services::PublishService>(*backends.pool, backends.pipeline,
                                                            [this] { workers.wake(kPublishWorker); });
    steps = std::make_unique<services::StepRunner>(*backends.pool, *blobs, backends.steps, clock, owner);
    IMGSRV_ASSIGN(documents, services::DocumentService::create(*backends.pool, backends.steps, clock));
    return {};
}

Status ServerApp::Parts::end_old_leases(const ports::Call& call, const std::string& node) {
    return backends.pool->write(call, [&](store::Transaction& tx) -> Status {
        IMGSRV_TRY(store::uploads::end_leases(tx, node));
        return store::publishing::end_leases(tx, node);
    });
}

void ServerApp::Parts::add_health_checks() {
    health.add("database", [this](const ports::Call& c) { return backends.database->health(c); });
    health.add("storage", [this](const ports::Call& c) -> Status {
        Status known = identity->establish(c);
        // That it is the wrong store says more than what else is wrong with it.
        if (known.code() == Code::failed_precondition) return known;
        IMGSRV_TRY(backends.objects->health(c));
        return known;
    });
    for (const auto& authenticator : access->authenticators())
        health.add("auth-" + std::string(authenticator->name()),
                   [one = authenticator.get()](const ports::Call& c) { return one->health(c); });
    for (const auto& [name, step] : backends.steps)
        health.add("step-" + name, [one = step.get()](const ports::Call& c) { return one->health(c); });
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
    monitoring.watch({registry, *backends.pool, clock, health, *collector, *scrubber, *server, workers.all(),
                      settings.text("data-dir")});
    return listen();
}

Status ServerApp::Parts::listen() {
    const std::string& plain = settings.text("listen");
    const std::string& tls = settings.text("tls-listen");
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
    IMGSRV_TRY(parts_->know_store(call));
    IMGSRV_TRY(parts_->make_services(call));
    IMGSRV_TRY(parts_->access->bootstrap(call, [](const std::string& token) {
        std::printf("imgsrv bootstrap token (one-time): %s\n", token.c_str());
        std::fflush(stdout);
    }));
    parts_->health.look(call);
    parts_->make_workers();
    IMGSRV_TRY(parts_->make_doors());
    parts_->hash_queue->start();
    parts_->workers.start();
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
    parts_->workers.stop();
    parts_->hash_queue->stop();
}

}  // namespace imgsrv::app
