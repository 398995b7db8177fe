#include "http/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "http/acceptor.h"
#include "http/connection.h"
#include "http/event_loops.h"
#include "http/listener.h"
#include "http/server_context.h"

namespace imgsrv::http {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPoll{5};
// How long cancelled requests may take to finish before stop() returns.
constexpr std::chrono::milliseconds kGrace{2'000};

std::size_t loop_count(const Limits& limits) {
    return limits.loops > 0 ? limits.loops : std::max(2U, std::thread::hardware_concurrency());
}

// Thousands of connections need more descriptors than the usual soft limit of 1024.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Waits for done() until the deadline; whether it is done.
template <class Done>
bool wait_until(steady_clock::time_point deadline, const Done& done) {
    while (!done()) {
        if (steady_clock::now() >= deadline) return false;
        std::this_thread::sleep_for(kPoll);
    }
    return true;
}

}  // namespace

struct Server::Impl {
    Impl(const Router& router, const Limits& limits, Observer* observer)
        : context(router, limits, observer), loops(context, loop_count(limits)), acceptor(context, loops, listeners) {}

    ServerContext context;
    std::vector<std::unique_ptr<Listener>> listeners;
    EventLoops loops;
    Acceptor acceptor;
    bool started = false;
};

Server::Server(const Router& router, Limits limits, Observer* observer)
    : impl_(std::make_unique<Impl>(router, limits, observer)) {}

Server::~Server() {
    stop(std::chrono::milliseconds(0));
    // Wait for handlers that ignore their cancellation: they use what is about to be destroyed.
    impl_->context.workers.stop();
    wait_until(steady_clock::time_point::max(), [&] { return connections() == 0; });
    impl_->loops.stop();
}

Status Server::listen(const ListenerOptions& options) {
    IMGSRV_ASSIGN(auto listener, Listener::open(options));
    impl_->listeners.push_back(std::move(listener));
    return {};
}

std::vector<std::string> Server::addresses() const {
    std::vector<std::string> all;
    for (const auto& listener : impl_->listeners) all.push_back(listener->address());
    return all;
}

Status Server::start() {
    raise_descriptor_limit();
    IMGSRV_TRY(impl_->loops.start());
    impl_->started = true;
    return impl_->acceptor.start();
}

Status Server::reload_tls() {
    Status first;
    for (const auto& listener : impl_->listeners)
        if (Status status = listener->reload_tls(); !status.ok() && first.ok()) first = std::move(status);
    return first;
}

bool Server::responsive(std::chrono::milliseconds patience) const {
    return impl_->loops.answer_within(patience);
}

bool Server::stop(std::chrono::milliseconds deadline) {
    if (!impl_->started || impl_->context.cancel->cancelled()) return active_requests() == 0;
    const auto end = steady_clock::now() + deadline;
    impl_->context.draining = true;
    impl_->acceptor.stop();
    for (const auto& listener : impl_->listeners) listener->close();
    impl_->loops.for_each(&Connection::drain);
    wait_until(end, [&] { return connections() == 0; });
    const bool finished = active_requests() == 0;
    impl_->context.cancel->cancel();
    impl_->loops.for_each(&Connection::abort);
    wait_until(steady_clock::now() + kGrace, [&] { return connections() == 0; });
    return finished;
}

std::size_t Server::active_requests() const {
    return impl_->context.requests;
}
std::size_t Server::connections() const {
    return impl_->loops.connections();
}

}  // namespace imgsrv::http
