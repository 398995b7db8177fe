#include "http/event_loops.h"

#include <pistache/peer.h>
#include <pistache/reactor.h>
#include <pistache/tcp.h>
#include <pistache/transport.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <atomic>
#include <condition_variable>
#include <exception>
#include <future>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/log.h"
#include "http/blocked_signals.h"
#include "http/connection.h"
#include "http/event_loop.h"
#include "http/listener.h"
#include "http/timer_wheel.h"

namespace imgsrv::http {
namespace {

using Pistache::Polling::NotifyOn;

constexpr std::size_t kScratch = 64 * 1024;
// Pistache tags its own descriptors with their numbers, so the tags of connections lie above those. A tag is never
// reused, so that an event still queued for a closed connection is dropped.
constexpr std::uint64_t kFirstId = std::uint64_t{1} << 32U;

// Pistache requires one; no input reaches it.
struct NullHandler final : Pistache::Tcp::Handler {
    PROTOTYPE_OF(Pistache::Tcp::Handler, NullHandler)
    void onInput(const char*, std::size_t, const std::shared_ptr<Pistache::Tcp::Peer>&) override {}
};

}  // namespace

// One loop: the transport of one reactor thread. Uses only the socket tracking of Pistache::Tcp::Transport. Its queues
// for writes, timers and peers stay empty: they mix up connections that share a descriptor number and lose wake-ups.
class Loop final : public Pistache::Tcp::Transport, public EventLoop {
  public:
    explicit Loop(ServerContext& server)
        : Transport(std::make_shared<NullHandler>()),
          server_(server),
          timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)),
          wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

    std::shared_ptr<Pistache::Aio::Handler> clone() const override { return std::make_shared<Loop>(server_); }

    void registerPoller(Pistache::Polling::Epoll& poller) override {
        Transport::registerPoller(poller);
        const auto nanoseconds = std::chrono::nanoseconds(TimerWheel::kTick).count();
        const itimerspec every{{0, nanoseconds}, {0, nanoseconds}};
        ::timerfd_settime(timer_.get(), 0, &every, nullptr);
        next_tick_ = std::chrono::steady_clock::now() + TimerWheel::kTick;
        for (const int fd : {timer_.get(), wake_.get()})
            poller.addFd(fd, Pistache::Flags<NotifyOn>(NotifyOn::Read),
                         Pistache::Polling::Tag(static_cast<std::uint64_t>(fd)));
    }

    void onReady(const Pistache::Aio::FdSet& events) override {
        for (const auto& event : events) {
            const std::uint64_t tag = event.getTag().value();
            if (tag == static_cast<std::uint64_t>(timer_.get()))
                tick();
            else if (tag == static_cast<std::uint64_t>(wake_.get()))
                run_posted();
            else if (const auto it = connections_.find(tag); it != connections_.end())
                // Everything except pure writability is detected by reading: data, the end, a reset.
                guarded(it->second.connection,
                        [only_write = event.isWritable() && !event.isReadable() && !event.isHangup()](Connection& c) {
                            c.on_ready(!only_write);
                        });
        }
    }

    void watch(Connection& connection, Interest interest) override {
        if (connection.interest == interest) return;
        connection.interest = interest;
        // Errors and hang-ups are reported regardless of interest; edge triggering keeps them from repeating forever.
        const auto mode = interest == Interest::none ? Pistache::Polling::Mode::Edge : Pistache::Polling::Mode::Level;
        set_interest(connection, mode);
    }

    void set_timeout(Connection& connection, std::chrono::milliseconds delay) override {
        wheel_.set(connection.id(), connection.timer, delay);
    }

    void close(Connection& connection) override {
        const auto it = connections_.find(connection.id());
        if (it == connections_.end()) return;
        const Entry entry = std::move(it->second);
        connections_.erase(it);
        removePeer(entry.peer);
        --load_;
    }

    std::span<std::byte> scratch() override { return scratch_; }

    void post(std::function<void()> task) override {
        {
            const std::lock_guard lock(mutex_);
            posted_.push_back(std::move(task));
            if (std::exchange(woken_, true)) return;
        }
        wake();
    }

    // [any]
    void adopt(Accepted accepted) {
        ++load_;
        {
            const std::lock_guard lock(mutex_);
            accepted_.push_back(std::move(accepted));
            if (std::exchange(woken_, true)) return;
        }
        wake();
    }
    std::size_t load() const { return load_; }

    void for_each(void (Connection::*call)()) {
        std::vector<std::shared_ptr<Connection>> all;
        all.reserve(connections_.size());
        for (const auto& [id, entry] : connections_) all.push_back(entry.connection);
        for (const auto& connection : all) guarded(connection, [&](Connection& c) { (c.*call)(); });
    }

  private:
    struct Entry {
        std::shared_ptr<Connection> connection;
        std::shared_ptr<Pistache::Tcp::Peer> peer;
    };

    void wake() {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto n = ::write(wake_.get(), &one, sizeof one);
    }

    // Keeps the connection alive during the call and catches its exceptions: in the reactor they would end the process.
    template <class Call>
    void guarded(std::shared_ptr<Connection> connection, const Call& call) {
        try {
            call(*connection);
        } catch (const std::exception& error) {
            log::error("connection failed", {{"error", error.what()}});
            connection->abort();
        }
    }

    void tick() {
        std::uint64_t passed = 0;
        if (::read(timer_.get(), &passed, sizeof passed) != sizeof passed) return;
        if (server_.observer != nullptr)
            server_.observer->on_loop_lag(std::max(std::chrono::steady_clock::now() - next_tick_, {}));
        next_tick_ += passed * TimerWheel::kTick;
        for (; passed > 0; --passed)
            wheel_.tick(
                [&](std::uint64_t id) {
                    const auto it = connections_.find(id);
                    return it != connections_.end() ? &it->second.connection->timer : nullptr;
                },
                [&](std::uint64_t id) {
                    guarded(connections_.at(id).connection, [](Connection& c) { c.on_timeout(); });
                });
    }

    void run_posted() {
        std::uint64_t count = 0;
        [[maybe_unused]] const auto n = ::read(wake_.get(), &count, sizeof count);
        std::vector<Accepted> accepted;
        std::vector<std::function<void()>> posted;
        {
            const std::lock_guard lock(mutex_);
            accepted.swap(accepted_);
            posted.swap(posted_);
            woken_ = false;
        }
        for (auto& one : accepted) set_up(std::move(one));
        for (auto& task : posted) {
            try {
                task();
            } catch (const std::exception& error) {
                log::error("event loop task failed", {{"error", error.what()}});
            }
        }
    }

    void set_up(Accepted accepted) {
        const int fd = accepted.fd.get();
        try {
            const auto peer = Pistache::Tcp::Peer::Create(
                fd, Pistache::Address::fromUnix(reinterpret_cast<sockaddr*>(&accepted.address)));
            // On the loop's own thread the peer is registered directly, without its queue.
            handleNewPeer(peer);
            accepted.fd.release();
            const std::uint64_t id = next_id_++;
            const auto connection = std::make_shared<Connection>(*this, server_, *accepted.listener, id, fd,
                                                                 address_text(accepted.address));
            connections_.emplace(id, Entry{connection, peer});
            guarded(connection, [&](Connection& c) {
                set_interest(c, Pistache::Polling::Mode::Level);
                accepted.refused ? c.refuse() : c.start();
                if (server_.draining) c.drain();
            });
        } catch (const std::exception& error) {
            log::error("connection setup failed", {{"error", error.what()}});
            --load_;
        }
    }

    void set_interest(const Connection& connection, Pistache::Polling::Mode mode) {
        const auto on = connection.interest == Interest::read    ? NotifyOn::Read
                        : connection.interest == Interest::write ? NotifyOn::Write
                                                                 : NotifyOn::None;
        reactor()->modifyFd(key(), connection.fd(), on, Pistache::Polling::Tag(connection.id()), mode);
    }

    ServerContext& server_;
    const UniqueFd timer_;
    const UniqueFd wake_;
    std::unordered_map<std::uint64_t, Entry> connections_;
    std::uint64_t next_id_ = kFirstId;
    TimerWheel wheel_;
    std::chrono::steady_clock::time_point next_tick_;
    std::vector<std::byte> scratch_ = std::vector<std::byte>(kScratch);

    std::atomic<std::size_t> load_{0};
    std::mutex mutex_;
    std::vector<Accepted> accepted_;
    std::vector<std::function<void()>> posted_;
    bool woken_ = false;
};

struct EventLoops::Impl {
    std::shared_ptr<Pistache::Aio::Reactor> reactor = Pistache::Aio::Reactor::create();
    std::vector<std::shared_ptr<Loop>> loops;
    std::atomic<std::size_t> next{0};
    bool running = false;
};

EventLoops::EventLoops(ServerContext& server, std::size_t threads) : impl_(std::make_unique<Impl>()) {
    auto& reactor = *impl_->reactor;
    reactor.init(Pistache::Aio::AsyncContext(threads, "http-loop"));
    const auto key = reactor.addHandler(std::make_shared<Loop>(server));
    for (const auto& handler : reactor.handlers(key)) impl_->loops.push_back(std::static_pointer_cast<Loop>(handler));
}

EventLoops::~EventLoops() {
    stop();
}

Status EventLoops::start() {
    try {
        const BlockedSignals blocked;
        impl_->reactor->run();
    } catch (const std::exception& error) {
        return Status(Code::unavailable, "cannot start the event loops").with_detail(error.what());
    }
    impl_->running = true;
    for (const auto& loop : impl_->loops) {
        std::promise<void> up;
        loop->post([&] { up.set_value(); });
        up.get_future().wait();
    }
    return {};
}

void EventLoops::adopt(Accepted accepted) {
    // Ties rotate, so that a quiet server uses every loop.
    const std::size_t first = impl_->next++;
    Loop* best = nullptr;
    for (std::size_t i = 0; i < impl_->loops.size(); ++i) {
        Loop* loop = impl_->loops[(first + i) % impl_->loops.size()].get();
        if (best == nullptr || loop->load() < best->load()) best = loop;
    }
    best->adopt(std::move(accepted));
}

std::size_t EventLoops::connections() const {
    std::size_t sum = 0;
    for (const auto& loop : impl_->loops) sum += loop->load();
    return sum;
}

void EventLoops::for_each(void (Connection::*call)()) {
    for (const auto& loop : impl_->loops) loop->post([loop = loop.get(), call] { loop->for_each(call); });
}

bool EventLoops::answer_within(std::chrono::milliseconds patience) const {
    // Outlives the call, because a loop may answer too late.
    struct RollCall {
        std::mutex mutex;
        std::condition_variable changed;
        std::size_t missing = 0;
    };
    const auto roll = std::make_shared<RollCall>();
    roll->missing = impl_->loops.size();
    for (const auto& loop : impl_->loops)
        loop->post([roll] {
            const std::lock_guard lock(roll->mutex);
            if (--roll->missing == 0) roll->changed.notify_one();
        });
    std::unique_lock lock(roll->mutex);
    return roll->changed.wait_for(lock, patience, [&] { return roll->missing == 0; });
}

void EventLoops::stop() {
    if (!std::exchange(impl_->running, false)) return;
    impl_->reactor->shutdown();
    impl_->loops.clear();
    impl_->reactor.reset();  // joins
}

}  // namespace imgsrv::http
