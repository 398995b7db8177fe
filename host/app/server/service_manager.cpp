#include "app/server/service_manager.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "core/log.h"

namespace imgsrv::app {
namespace {

constexpr timeval kPatience{1, 0};

std::string_view variable(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<std::chrono::microseconds> watchdog_of_environment() {
    const auto period = number(variable("WATCHDOG_USEC"));
    if (!period || *period == 0) return std::nullopt;
    const auto process = variable("WATCHDOG_PID");
    if (!process.empty() && number(process) != static_cast<std::uint64_t>(::getpid())) return std::nullopt;
    return std::chrono::microseconds(*period);
}

}  // namespace

ServiceManager::ServiceManager() {
    const std::string_view path = variable("NOTIFY_SOCKET");
    if (path.empty()) return;
    if ((path.front() != '/' && path.front() != '@') || path.size() >= sizeof(sockaddr_un::sun_path)) {
        log::warn("NOTIFY_SOCKET is not a socket's address", {{"address", path}});
        return;
    }
    socket_ = UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket_) return;
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
    address_ = path;
    // A leading '@' stands for NUL: an abstract address.
    if (address_.front() == '@') address_.front() = '\0';
    period_ = watchdog_of_environment();
}

void ServiceManager::ready(std::string_view status) {
    tell("READY=1\nSTATUS=" + std::string(status));
}

void ServiceManager::reloading() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const std::int64_t microseconds = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
    tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds) + "\nSTATUS=Reloading");
}

void ServiceManager::stopping(std::string_view status) {
    tell("STOPPING=1\nSTATUS=" + std::string(status));
}

void ServiceManager::alive() {
    tell("WATCHDOG=1");
}

void ServiceManager::tell(const std::string& message) {
    if (!socket_) return;
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, address_.data(), address_.size());
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
    if (::sendto(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&to),
                 length) < 0)
        log::debug("service manager not notified", {{"message", message}, {"error", std::strerror(errno)}});
}

}  // namespace imgsrv::app
