#include "crash_workload.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>
#include <random>
#include <stdexcept>
#include <thread>

#include "fs_store.h"

namespace imgsrv::test {
namespace {

using conformance::Body;
using conformance::Failure;
using conformance::Instance;
using conformance::Part;
using conformance::Pattern;
using conformance::Store;
using conformance::Stream;

constexpr std::size_t kEntries = 20'000;
constexpr std::uint32_t kObjectWorkers = 2;
constexpr std::uint32_t kUploadWorkers = 2;
constexpr std::uint32_t kKeys = 4;
constexpr std::uint32_t kPartSenders = 3;

std::string object_key(std::uint32_t worker, std::uint32_t key) {
    return "crash/" + std::to_string(worker) + "/objects/" + std::to_string(key);
}

std::string upload_key(std::uint32_t worker, std::uint32_t upload) {
    return "crash/" + std::to_string(worker) + "/uploads/" + std::to_string(upload);
}

using Random = std::mt19937_64;

std::uint64_t below(Random& random, std::uint64_t limit) {
    return random() % limit;
}

bool finish(Entry& entry, imgsrv_code code) {
    if (code == IMGSRV_OK) entry.done.store(true);
    return code == IMGSRV_OK;
}

void work_on_objects(Store& store, Ledger& ledger, std::uint32_t worker, std::uint64_t seed) {
    Random random(seed);
    imgsrv_error error{};
    for (;;) {
        Entry* entry = ledger.add();
        if (entry == nullptr) return;
        entry->worker = worker;
        entry->key = static_cast<std::uint32_t>(below(random, kKeys));
        const auto key = object_key(worker, entry->key);
        const auto choice = below(random, 10);
        if (choice < 6) {
            entry->bytes = {random(), below(random, 400'000)};
            entry->operation = Operation::put;
            Body body(entry->bytes);
            if (!finish(*entry, store.put(key, body, 0, nullptr, &error))) return;
        } else if (choice < 9) {
            entry->other_key = static_cast<std::uint32_t>(below(random, kKeys));
            entry->operation = Operation::copy;
            const auto code = store.copy(object_key(worker, entry->other_key), {}, key, 0, nullptr, &error);
            if (!finish(*entry, code == IMGSRV_NOT_FOUND ? IMGSRV_OK : code)) return;
        } else {
            entry->operation = Operation::remove;
            if (!finish(*entry, store.remove(key, &error))) return;
        }
    }
}

struct UploadRun {
    std::uint32_t worker = 0;
    std::uint32_t upload = 0;
    std::string key, id;
    std::vector<std::optional<std::pair<Part, Pattern>>> parts;  // by number - 1
};

bool send_part(Store& store, Ledger& ledger, UploadRun& run, std::uint32_t number, Pattern bytes, bool announce) {
    Entry* entry = ledger.add();
    if (entry == nullptr) return false;
    entry->worker = run.worker;
    entry->upload = run.upload;
    entry->number = number;
    entry->bytes = bytes;
    entry->operation = Operation::put_part;
    Body body(bytes);
    if (!announce) body.announce(-1);
    std::string etag;
    imgsrv_error error{};
    const auto code = store.mp_put_part(run.key, run.id, number, body, &etag, &error);
    if (code != IMGSRV_OK) return false;
    std::strncpy(entry->id, etag.c_str(), sizeof entry->id - 1);
    entry->done.store(true);
    run.parts[number - 1] = {{number, bytes.size, etag}, bytes};
    return true;
}

bool complete(Store& store, Ledger& ledger, UploadRun& run, std::uint32_t mask) {
    Entry* entry = ledger.add();
    if (entry == nullptr) return false;
    entry->worker = run.worker;
    entry->upload = run.upload;
    entry->parts_mask = mask;
    std::vector<Part> parts;
    for (std::uint32_t i = 0; i < run.parts.size(); ++i) {
        if ((mask >> i & 1) == 0) continue;
        const auto& [part, bytes] = *run.parts[i];
        parts.push_back(part);
        std::strncpy(entry->part_etags[i], part.etag.c_str(), sizeof entry->part_etags[i] - 1);
        entry->part_sizes[i] = bytes.size;
        entry->part_seeds[i] = bytes.seed;
    }
    entry->operation = Operation::complete;
    imgsrv_error error{};
    return finish(*entry, store.mp_complete(run.key, run.id, parts, nullptr, &error));
}

bool one_upload(Store& store, Ledger& ledger, UploadRun& run, Random& random) {
    const std::uint64_t unit = 20'000 + below(random, 600'000);
    const auto count = static_cast<std::uint32_t>(1 + below(random, 8));
    Entry* entry = ledger.add();
    if (entry == nullptr) return false;
    entry->worker = run.worker;
    entry->upload = run.upload;
    entry->operation = Operation::create_upload;
    run.key = upload_key(run.worker, run.upload);
    run.parts.resize(count);
    imgsrv_error error{};
    if (store.mp_create(run.key, 0, &run.id, &error) != IMGSRV_OK) return false;
    std::strncpy(entry->id, run.id.c_str(), sizeof entry->id - 1);
    entry->done.store(true);

    std::vector<std::uint32_t> order(count);
    for (std::uint32_t i = 0; i < count; ++i) order[i] = i + 1;
    std::shuffle(order.begin(), order.end(), random);
    std::vector<Pattern> bytes(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        const bool odd = below(random, 10) == 0;
        const bool last = i + 1 == count;
        bytes[i] = {random(), odd || last ? 1 + below(random, 700'000) : unit};
    }
    const bool announce = below(random, 8) != 0;
    std::atomic<std::size_t> next{0};
    std::atomic<bool> fine{true};
    std::vector<std::thread> senders;
    for (std::uint32_t i = 0; i < kPartSenders; ++i) {
        senders.emplace_back([&] {
            for (std::size_t at = next++; at < order.size() && fine; at = next++)
                if (!send_part(store, ledger, run, order[at], bytes[order[at] - 1], announce)) fine = false;
        });
    }
    for (auto& sender : senders) sender.join();
    if (!fine) return false;
    // Replace one now and then.
    if (below(random, 3) == 0) {
        const auto number = static_cast<std::uint32_t>(1 + below(random, count));
        const auto size = below(random, 2) == 0 ? bytes[number - 1].size : 1 + below(random, 700'000);
        if (!send_part(store, ledger, run, number, {random(), size}, true)) return false;
    }
    std::uint32_t mask = (1U << count) - 1;
    if (below(random, 4) == 0) mask &= static_cast<std::uint32_t>(random());
    if (mask == 0) mask = 1;
    return complete(store, ledger, run, mask);
}

void work_on_uploads(Store& store, Ledger& ledger, std::uint32_t worker, std::uint64_t seed) {
    Random random(seed);
    for (std::uint32_t upload = 0;; ++upload) {
        UploadRun run;
        run.worker = worker;
        run.upload = upload;
        if (!one_upload(store, ledger, run, random)) return;
    }
}

[[noreturn]] void fail(const std::string& what) {
    throw Failure(what);
}

// What may be at a key: one of these. None: no object.
using Versions = std::vector<std::optional<Pattern>>;

bool matches(Store& store, const std::string& key, const Versions& versions) {
    Stream stream;
    imgsrv_error error{};
    const auto code = store.open(key, {}, 0, -1, &stream, nullptr, &error);
    if (code == IMGSRV_NOT_FOUND) return std::count(versions.begin(), versions.end(), std::nullopt) > 0;
    if (code != IMGSRV_OK) fail("cannot open " + key + ": " + error.message);
    const auto bytes = stream.read_all();
    return std::any_of(versions.begin(), versions.end(), [&](const auto& version) {
        return version && version->size == bytes.size() && version->text() == bytes;
    });
}

void verify_objects(Store& store, const Ledger& ledger, std::uint32_t worker) {
    std::map<std::uint32_t, std::optional<Pattern>> now;
    for (std::uint32_t key = 0; key < kKeys; ++key) now[key] = std::nullopt;
    std::map<std::uint32_t, Versions> also;
    for (std::size_t i = 0; i < ledger.size(); ++i) {
        const Entry& entry = ledger.at(i);
        if (entry.worker != worker) continue;
        std::optional<Pattern> result;
        if (entry.operation == Operation::put) result = entry.bytes;
        if (entry.operation == Operation::copy) result = now[entry.other_key] ? now[entry.other_key] : now[entry.key];
        if (entry.done.load()) {
            now[entry.key] = result;
        } else {
            also[entry.key].push_back(result);
        }
    }
    for (const auto& [key, version] : now) {
        Versions versions = also[key];
        versions.push_back(version);
        if (!matches(store, object_key(worker, key), versions))
            fail("the object " + object_key(worker, key) + " is not what was stored last");
    }
}

struct StoredPart {
    Part part;
    Pattern bytes;
    bool challenged = false;  // a replacement was in progress
};

struct UploadHistory {
    std::string id;
    std::map<std::uint32_t, StoredPart> parts;
    const Entry* completion = nullptr;
};

// The parts that are there with the right bytes.
std::vector<StoredPart> surviving(Store& store, const std::string& key, const UploadHistory& upload) {
    std::vector<StoredPart> parts;
    for (const auto& [number, stored] : upload.parts) {
        Stream stream;
        imgsrv_error error{};
        const auto code = store.open_part(key, upload.id, stored.part, 0, &stream, &error);
        if (code == IMGSRV_NOT_FOUND && stored.challenged) continue;
        if (code != IMGSRV_OK) fail("part " + std::to_string(number) + " of " + key + " is lost: " + error.message);
        stream.expect({stored.bytes});
        parts.push_back(stored);
    }
    return parts;
}

void verify_upload(Store& store, const std::string& key, const UploadHistory& upload) {
    std::vector<Part> parts;
    std::vector<Pattern> patterns;
    if (upload.completion != nullptr) {
        const Entry& entry = *upload.completion;
        for (std::uint32_t i = 0; i < 8; ++i) {
            if ((entry.parts_mask >> i & 1) == 0) continue;
            parts.push_back({i + 1, entry.part_sizes[i], entry.part_etags[i]});
            patterns.push_back({entry.part_seeds[i], entry.part_sizes[i]});
        }
        if (entry.done.load()) store.expect_object(key, patterns);
        // The object is there whole, or not at all.
        if (store.exists(key)) store.expect_object(key, patterns);
    } else {
        if (store.exists(key)) fail("the object " + key + " is there before its completion");
        for (const auto& stored : surviving(store, key, upload)) {
            parts.push_back(stored.part);
            patterns.push_back(stored.bytes);
        }
        if (parts.empty()) return;
    }
    store.mp_complete(key, upload.id, parts);
    store.expect_object(key, patterns);
}

void verify_uploads(Store& store, const Ledger& ledger, std::uint32_t worker) {
    std::map<std::uint32_t, UploadHistory> uploads;
    for (std::size_t i = 0; i < ledger.size(); ++i) {
        const Entry& entry = ledger.at(i);
        if (entry.worker != worker) continue;
        auto& upload = uploads[entry.upload];
        if (entry.operation == Operation::create_upload && entry.done.load()) upload.id = entry.id;
        if (entry.operation == Operation::complete) upload.completion = &entry;
        if (entry.operation != Operation::put_part) continue;
        if (entry.done.load()) {
            upload.parts[entry.number] = {{entry.number, entry.bytes.size, entry.id}, entry.bytes, false};
        } else if (const auto at = upload.parts.find(entry.number); at != upload.parts.end()) {
            at->second.challenged = true;
        }
    }
    for (const auto& [number, upload] : uploads)
        if (!upload.id.empty()) verify_upload(store, upload_key(worker, number), upload);
}

}  // namespace

struct Ledger::Shared {
    std::atomic<std::size_t> used{0};
    Entry entries[kEntries];
};

Ledger::Ledger() {
    void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("cannot map the ledger");
    shared_ = new (memory) Shared;
}

Ledger::~Ledger() {
    ::munmap(shared_, sizeof(Shared));
}

Entry* Ledger::add() {
    const auto i = shared_->used++;
    return i < kEntries ? &shared_->entries[i] : nullptr;
}

std::size_t Ledger::size() const {
    return std::min(shared_->used.load(), kEntries);
}

Entry& Ledger::at(std::size_t i) const {
    return shared_->entries[i];
}

void work(const std::string& root, std::uint64_t seed, Ledger& ledger) {
    try {
        Instance instance(fs_component(), fs_settings(root));
        Store store(instance);
        std::vector<std::thread> workers;
        for (std::uint32_t i = 0; i < kObjectWorkers; ++i)
            workers.emplace_back([&, i] { work_on_objects(store, ledger, i, seed + i); });
        for (std::uint32_t i = kObjectWorkers; i < kObjectWorkers + kUploadWorkers; ++i)
            workers.emplace_back([&, i] { work_on_uploads(store, ledger, i, seed + i); });
        for (auto& worker : workers) worker.join();
    } catch (const std::exception&) {
        // The power was cut during the start. verify() detects a store that cannot start at all.
    }
    for (;;) ::pause();
}

void verify(const std::string& root, const Ledger& ledger) {
    Instance instance(fs_component(), fs_settings(root));
    Store store(instance);
    if (count_files(root + "/tmp") != 0) fail("the start left files in tmp");
    for (std::uint32_t i = 0; i < kObjectWorkers; ++i) verify_objects(store, ledger, i);
    for (std::uint32_t i = kObjectWorkers; i < kObjectWorkers + kUploadWorkers; ++i) verify_uploads(store, ledger, i);

    imgsrv_error error{};
    for (const auto& upload : store.mp_list("crash/")) store.mp_abort(upload.key, upload.id, &error);
    if (count_files(root + "/uploads") != 0) fail("files are left of uploads that are over");
    for (bool more = true; more;) {
        const auto page = store.list("crash/", {}, 1000);
        for (const auto& object : page.objects) store.remove(object.key, &error);
        more = page.more;
    }
    if (count_files(root + "/objects") != 0) fail("files are left that are not listed as objects");
}

}  // namespace imgsrv::test
