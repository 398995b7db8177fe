#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "app/server/server_parts.h"
#include "background/notification_listener.h"
#include "store/channels.h"

namespace imgsrv::app {

using background::WorkerOptions;
using std::chrono::milliseconds;
using std::chrono::seconds;

void ServerApp::Parts::make_workers() {
    hash_queue = std::make_unique<background::HashQueue>(
        std::max(1U, std::thread::hardware_concurrency() / 2),
        [this](const ports::Call& call, const std::string& id) { return part_hasher->hash_backlog(call, id); });
    if (settings.boolean("cas-promotion-enabled")) add_promotion();
    add_publishing();
    add_sweeper();
    if (settings.duration("gc-interval").count() > 0) add_collector();
    if (settings.size("scrub-rate") > 0) add_scrubber();
    add_health();
    add_authenticators();
    if (backends.database->concurrent_writers()) add_generation();
    if (backends.database->can_listen()) add_notifications();
    for (const background::Worker* worker : workers.all())
        health.add_report("worker-" + worker->name(), [worker] {
            const auto stats = worker->stats();
            return stats.consecutive_failures > 0 ? stats.last_error_text : std::string();
        });
}

void ServerApp::Parts::add_promotion() {
    WorkerOptions options;
    options.poll_interval = settings.duration("cas-promotion-poll-interval");
    options.backoff = settings.duration("cas-promotion-error-backoff");
    options.backoff_max = settings.duration("cas-promotion-error-backoff-max");
    options.breaker_failures = static_cast<int>(settings.integer("cas-promotion-circuit-breaker-failures"));
    options.breaker_cooldown = settings.duration("cas-promotion-circuit-breaker-cooldown");
    options.threads = 2;
    options.idle_is_success = false;
    workers.add(kPromotionWorker, options, [this](const ports::Call& call) -> Result<bool> {
        IMGSRV_ASSIGN(const auto outcome, promotion->run_one(call));
        return outcome != services::PromotionService::Outcome::idle;
    });
}

void ServerApp::Parts::add_publishing() {
    const WorkerOptions options{
        .poll_interval = seconds(2), .backoff = seconds(1), .breaker_failures = 0, .threads = 2};
    workers.add(kPublishWorker, options, [this](const ports::Call& call) { return steps->run_one(call); });
}

void ServerApp::Parts::add_sweeper() {
    const WorkerOptions options{.poll_interval = seconds(60), .breaker_failures = 0};
    workers.add("sweeper", options, [this](const ports::Call& call) -> Result<bool> {
        IMGSRV_TRY(staging_sweeper->sweep(call));
        return false;
    });
}

void ServerApp::Parts::add_collector() {
    // What `imgsrv gc` queued beside the server is removed this soon.
    constexpr milliseconds kLongestPoll = seconds(15);
    const auto interval = settings.duration("gc-interval");
    const WorkerOptions options{.poll_interval = std::min(interval, kLongestPoll), .breaker_failures = 0};
    workers.add("gc", options, [this, interval](const ports::Call& call) -> Result<bool> {
        IMGSRV_TRY(identity->check(call).status());
        return collector->run_due(call, interval);
    });
}

void ServerApp::Parts::add_scrubber() {
    constexpr milliseconds kLongestPoll = std::chrono::minutes(1);
    const WorkerOptions options{.poll_interval = std::min(settings.duration("scrub-interval"), kLongestPoll),
                                .breaker_failures = 0};
    workers.add("scrub", options, [this](const ports::Call& call) { return scrubber->run_one(call); });
}

void ServerApp::Parts::add_health() {
    workers.add("health", {.poll_interval = seconds(1)}, [this](const ports::Call& call) -> Result<bool> {
        health.look(call);
        return false;
    });
}

void ServerApp::Parts::add_authenticators() {
    for (const auto& authenticator : access->authenticators()) {
        if (authenticator->tick_interval() <= milliseconds(0)) continue;
        const WorkerOptions options{.poll_interval = authenticator->tick_interval(), .breaker_failures = 0};
        workers.add("auth-" + std::string(authenticator->name()), options,
                    [one = authenticator.get()](const ports::Call& call) -> Result<bool> {
                        IMGSRV_TRY(one->tick(call));
                        return false;
                    });
    }
}

void ServerApp::Parts::add_generation() {
    const WorkerOptions options{.poll_interval = milliseconds(500), .backoff = seconds(1), .breaker_failures = 0};
    workers.add(kGenerationWorker, options, [this](const ports::Call& call) -> Result<bool> {
        IMGSRV_TRY(catalogue->refresh_generation(call));
        return false;
    });
}

void ServerApp::Parts::add_notifications() {
    const auto waking = [this](const char* worker) { return [this, worker] { workers.wake(worker); }; };
    const auto listener = std::make_shared<background::NotificationListener>(
        *backends.database, std::map<std::string, std::function<void()>>{
                                {std::string(store::kUploadsChannel), waking(kPromotionWorker)},
                                {std::string(store::kJobsChannel), waking(kPublishWorker)},
                                {std::string(store::kCatalogueChannel), waking(kGenerationWorker)}});
    const WorkerOptions options{.backoff = seconds(1), .backoff_max = seconds(5), .breaker_failures = 0};
    workers.add("notifications", options, [listener](const ports::Call& call) { return listener->run_once(call); });
}

}  // namespace imgsrv::app
