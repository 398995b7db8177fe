#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "app/server/server_parts.h"
#include "store/channels.h"

namespace imgsrv::app {

void ServerApp::Parts::make_workers() {
    using std::chrono::milliseconds;
    using std::chrono::seconds;
    hash_queue = std::make_unique<background::HashQueue>(
        std::max(1U, std::thread::hardware_concurrency() / 2),
        [this](const ports::Call& call, const std::string& id) { return uploads->hash_backlog(call, id); });

    if (settings.boolean("cas-promotion-enabled")) {
        background::WorkerOptions options;
        options.name = "cas-promotion";
        options.poll_interval = settings.duration("cas-promotion-poll-interval");
        options.backoff = settings.duration("cas-promotion-error-backoff");
        options.backoff_max = settings.duration("cas-promotion-error-backoff-max");
        options.breaker_failures = static_cast<int>(settings.integer("cas-promotion-circuit-breaker-failures"));
        options.breaker_cooldown = settings.duration("cas-promotion-circuit-breaker-cooldown");
        options.threads = 2;
        options.idle_is_success = false;
        promotion_worker =
            std::make_unique<background::Worker>(options, [this](const ports::Call& call) -> Result<bool> {
                IMGSRV_ASSIGN(const auto outcome, promotion->run_one(call));
                return outcome != services::PromotionService::Outcome::idle;
            });
    }

    background::WorkerOptions publish;
    publish.name = "publish";
    publish.poll_interval = seconds(2);
    publish.backoff = seconds(1);
    publish.breaker_failures = 0;
    publish.threads = 2;
    publish_worker =
        std::make_unique<background::Worker>(publish, [this](const ports::Call& call) { return steps->run_one(call); });

    background::WorkerOptions sweep;
    sweep.name = "sweeper";
    sweep.poll_interval = seconds(60);
    sweep.breaker_failures = 0;
    sweeper = std::make_unique<background::Worker>(sweep, [this](const ports::Call& call) -> Result<bool> {
        IMGSRV_TRY(uploads->sweep(call));
        return false;
    });

    make_housekeepers();

    background::WorkerOptions look;
    look.name = "health";
    look.poll_interval = seconds(1);
    health_worker = std::make_unique<background::Worker>(look, [this](const ports::Call& call) -> Result<bool> {
        health.look(call);
        return false;
    });

    for (const auto& authenticator : access->authenticators()) {
        if (authenticator->tick_interval() <= milliseconds(0)) continue;
        background::WorkerOptions tick;
        tick.name = "auth-" + std::string(authenticator->name());
        tick.poll_interval = authenticator->tick_interval();
        tick.breaker_failures = 0;
        authenticator_workers.push_back(std::make_unique<background::Worker>(
            tick, [a = authenticator.get()](const ports::Call& call) -> Result<bool> {
                IMGSRV_TRY(a->tick(call));
                return false;
            }));
    }

    if (backends.database->can_listen()) {
        const auto waking = [](const std::unique_ptr<background::Worker>& worker) {
            return [&worker] {
                if (worker) worker->wake();
            };
        };
        listener = std::make_unique<background::NotificationListener>(
            *backends.database, std::map<std::string, std::function<void()>>{
                                    {std::string(store::kUploadsChannel), waking(promotion_worker)},
                                    {std::string(store::kJobsChannel), waking(publish_worker)},
                                    {std::string(store::kCatalogueChannel), waking(generation_worker)}});
        background::WorkerOptions hear;
        hear.name = "notifications";
        hear.backoff = seconds(1);
        hear.backoff_max = seconds(5);
        hear.breaker_failures = 0;
        notification_worker = std::make_unique<background::Worker>(
            hear, [this](const ports::Call& call) { return listener->run_once(call); });
    }

    // Other nodes change the catalogue too, where there can be any.
    if (backends.database->concurrent_writers()) {
        background::WorkerOptions follow;
        follow.name = "generation";
        follow.poll_interval = milliseconds(500);
        follow.backoff = seconds(1);
        follow.breaker_failures = 0;
        generation_worker =
            std::make_unique<background::Worker>(follow, [this](const ports::Call& call) -> Result<bool> {
                IMGSRV_TRY(catalogue->refresh_generation(call));
                return false;
            });
    }
}

void ServerApp::Parts::make_housekeepers() {
    // What `imgsrv gc` queued beside the server is removed this soon.
    constexpr std::chrono::milliseconds kLongestPoll = std::chrono::seconds(15);
    const auto interval = settings.duration("gc-interval");
    if (interval.count() > 0) {
        background::WorkerOptions collection;
        collection.name = "gc";
        collection.poll_interval = std::min(interval, kLongestPoll);
        collection.breaker_failures = 0;
        collector_worker =
            std::make_unique<background::Worker>(collection, [this, interval](const ports::Call& call) -> Result<bool> {
                IMGSRV_TRY(identity->check(call).status());
                return collector->run_due(call, interval);
            });
    }
    if (settings.size("scrub-rate") > 0) {
        background::WorkerOptions scrub;
        scrub.name = "scrub";
        scrub.poll_interval =
            std::min<std::chrono::milliseconds>(settings.duration("scrub-interval"), std::chrono::minutes(1));
        scrub.breaker_failures = 0;
        scrub_worker = std::make_unique<background::Worker>(
            scrub, [this](const ports::Call& call) { return scrubber->run_one(call); });
    }
}

}  // namespace imgsrv::app
