#include "background/notification_listener.h"

#include <chrono>

namespace imgsrv::background {
namespace {

constexpr std::chrono::seconds kConnectTime{10};
constexpr std::chrono::seconds kWait{30};

ports::Call within(const ports::Call& call, std::chrono::seconds time) {
    ports::Call limited = call;
    limited.deadline = std::chrono::steady_clock::now() + time;
    return limited;
}

}  // namespace

NotificationListener::NotificationListener(ports::Database& database,
                                           std::map<std::string, std::function<void()>> handlers)
    : database_(database), handlers_(std::move(handlers)) {}

Result<bool> NotificationListener::run_once(const ports::Call& call) {
    if (!connection_) IMGSRV_TRY(connect(within(call, kConnectTime)));
    const auto channel = connection_->next_notification(within(call, kWait));
    if (channel.ok()) {
        const auto handler = handlers_.find(*channel);
        if (handler != handlers_.end()) handler->second();
    } else if (channel.status().code() != Code::deadline) {
        connection_.reset();
        return channel.status();
    }
    return true;
}

Status NotificationListener::connect(const ports::Call& call) {
    IMGSRV_ASSIGN(auto connection, database_.connect(call));
    for (const auto& [channel, handler] : handlers_) IMGSRV_TRY(connection->listen(call, channel));
    connection_ = std::move(connection);
    for (const auto& [channel, handler] : handlers_) handler();
    return {};
}

}  // namespace imgsrv::background
