#include "services/uploads/hash_stream.h"

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>

namespace imgsrv::services {
namespace {

constexpr std::size_t kBlockBytes = 512 * 1024;
// A store that reads past the page cache fills such a block without a copy.
constexpr std::align_val_t kAlignment{4096};

struct FreeBlock {
    void operator()(std::byte* block) const { ::operator delete[](block, kAlignment); }
};

// Two blocks between one thread that fills and one that drains, in turn.
class BlockPair {
  public:
    BlockPair() {
        for (auto& slot : slots_) {
            slot.bytes.reset(static_cast<std::byte*>(::operator new[](kBlockBytes, kAlignment)));
        }
    }

    // The whole life of the filling thread.
    void fill_from(const ports::Call& call, ports::ByteReader& body) {
        for (std::size_t turn = 0;; ++turn) {
            Slot& slot = slots_[turn % 2];
            if (!wait_until(slot, false)) return;
            slot.outcome = fill(call, body, slot);
            const bool last = !slot.outcome.ok() || slot.used < kBlockBytes;
            set_full(slot, true);
            if (last) return;
        }
    }

    Status drain_into(Sha256& hash) {
        for (std::size_t turn = 0;; ++turn) {
            Slot& slot = slots_[turn % 2];
            wait_until(slot, true);
            IMGSRV_TRY(slot.outcome);
            hash.update({slot.bytes.get(), slot.used});
            if (slot.used < kBlockBytes) return {};
            set_full(slot, false);
        }
    }

    void stop() {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        changed_.notify_all();
    }

  private:
    struct Slot {
        std::unique_ptr<std::byte[], FreeBlock> bytes;
        std::size_t used = 0;  // less than a block: the end
        Status outcome;
        bool full = false;
    };

    static Status fill(const ports::Call& call, ports::ByteReader& body, Slot& slot) {
        for (slot.used = 0; slot.used < kBlockBytes;) {
            if (call.cancelled()) return {Code::cancelled, "hashing was called off"};
            IMGSRV_ASSIGN(const std::size_t n, body.read({slot.bytes.get() + slot.used, kBlockBytes - slot.used}));
            if (n == 0) break;
            slot.used += n;
        }
        return {};
    }

    // False when stopped.
    bool wait_until(const Slot& slot, bool full) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return stopped_ || slot.full == full; });
        return !stopped_;
    }

    void set_full(Slot& slot, bool full) {
        const std::lock_guard lock(mutex_);
        slot.full = full;
        changed_.notify_all();
    }

    std::array<Slot, 2> slots_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopped_ = false;
};

}  // namespace

Status hash_stream(const ports::Call& call, ports::ByteReader& body, Sha256& hash) {
    BlockPair blocks;
    std::thread reader;
    try {
        reader = std::thread([&] { blocks.fill_from(call, body); });
    } catch (const std::system_error& e) {
        return Status(Code::unavailable, std::string("no thread to read ahead: ") + e.what()).with_retryable();
    }
    Status outcome = blocks.drain_into(hash);
    blocks.stop();
    reader.join();
    return outcome;
}

}  // namespace imgsrv::services
