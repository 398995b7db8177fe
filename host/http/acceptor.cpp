#include "http/acceptor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

#include "core/log.h"
#include "http/blocked_signals.h"

namespace imgsrv::http {
namespace {

constexpr int kBatch = 64;  // accepted from one listener before the next has its turn
constexpr std::chrono::milliseconds kPause{100};
constexpr std::chrono::seconds kWarnEvery{10};
// Connections over the limit that get a 503 at the same time; more are closed without an answer.
constexpr std::size_t kRefusals = 128;

UniqueFd open_spare() {
    return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

}  // namespace

Acceptor::Acceptor(ServerContext& server, EventLoops& loops, const std::vector<std::unique_ptr<Listener>>& listeners)
    : server_(server),
      loops_(loops),
      listeners_(listeners),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      spare_(open_spare()) {}

Acceptor::~Acceptor() {
    stop();
}

Status Acceptor::start() {
    try {
        const BlockedSignals blocked;
        thread_ = std::thread([this] { run(); });
    } catch (const std::system_error& error) {
        return Status(Code::unavailable, "cannot start the accept thread").with_detail(error.what());
    }
    return {};
}

void Acceptor::stop() {
    if (!thread_.joinable()) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(wake_.get(), &one, sizeof one);
    thread_.join();
}

void Acceptor::run() {
    ::pthread_setname_np(::pthread_self(), "http-accept");
    std::vector<pollfd> fds = {{wake_.get(), POLLIN, 0}};
    for (const auto& listener : listeners_) fds.push_back({listener->fd(), POLLIN, 0});
    bool paused = false;
    for (;;) {
        // While paused, only stop() is listened to.
        const int n = ::poll(fds.data(), paused ? 1 : fds.size(), paused ? static_cast<int>(kPause.count()) : -1);
        if (n < 0) continue;
        if (fds[0].revents != 0) break;
        if (std::exchange(paused, false)) continue;
        for (std::size_t i = 0; i < listeners_.size(); ++i)
            if (fds[i + 1].revents != 0 && !accept_some(*listeners_[i])) paused = true;
    }
    // Clients whose connection the kernel has already accepted are served too.
    for (const auto& listener : listeners_) accept_some(*listener);
}

bool Acceptor::accept_some(const Listener& listener) {
    for (int i = 0; i < kBatch; ++i) {
        Accepted accepted;
        socklen_t length = sizeof accepted.address;
        accepted.fd = UniqueFd(::accept4(listener.fd(), reinterpret_cast<sockaddr*>(&accepted.address), &length,
                                         SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!accepted.fd) {
            if (errno == EAGAIN || errno == EWOULDBLOCK) return true;
            if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
                continue;  // that client is gone already (accept(2): errors of the new socket)
            shed(listener);
            return false;
        }
        const std::size_t before = loops_.connections();
        if (before >= server_.limits.connections + kRefusals) continue;
        accepted.refused = before >= server_.limits.connections;
        accepted.listener = &listener;
        loops_.adopt(std::move(accepted));
    }
    return true;
}

void Acceptor::shed(const Listener& listener) {
    if (const auto now = std::chrono::steady_clock::now(); now - warned_ > kWarnEvery) {
        log::warn("cannot accept connections: out of resources", {{"error", std::strerror(errno)}});
        warned_ = now;
    }
    spare_.reset();
    UniqueFd(::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC)).reset();
    spare_ = open_spare();
}

}  // namespace imgsrv::http
