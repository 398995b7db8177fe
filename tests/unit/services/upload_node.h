#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ports/text_reader.h"
#include "services/storage_keys.h"
#include "services/uploads/part_hasher.h"
#include "services/uploads/staging_sweeper.h"
#include "services/uploads/upload_service.h"
#include "world/world.h"

namespace imgsrv::test {

// A body that runs a hook when its last byte has been read, before its end.
class HookedBody final : public ports::TextReader {
  public:
    HookedBody(std::string text, std::function<void()> at_end)
        : TextReader(std::move(text)), at_end_(std::move(at_end)) {}

    std::optional<std::uint64_t> size() const override { return std::nullopt; }
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        auto n = TextReader::read(buffer);
        if (n.ok() && *n == 0)
            if (const auto hook = std::exchange(at_end_, nullptr)) hook();
        return n;
    }

  private:
    std::function<void()> at_end_;
};

// A body that fails after its bytes.
class TornBody final : public ports::TextReader {
  public:
    using TextReader::TextReader;

    Result<std::size_t> read(std::span<std::byte> buffer) override {
        auto n = TextReader::read(buffer);
        if (n.ok() && *n == 0) return Status(Code::cancelled, "the client hung up");
        return n;
    }
};

// The services of uploads as one node has them, and short words for what tests do with them.
struct UploadNode {
    // world.pool: the node whose database fails on demand; world.other: another node.
    UploadNode(World& w, store::Pool& p, services::UploadOptions options = {})
        : world(w),
          uploads(
              p, w.objects, in_flight, options, [this] { ++completed; },
              [this](std::string id) { accepted.push_back(std::move(id)); }),
          hasher(p, w.objects, in_flight),
          sweeper(p, w.objects, options.ttl) {}
    explicit UploadNode(World& w) : UploadNode(w, w.pool) {}

    Result<services::UploadService::Created> announce(std::string_view bytes) {
        return uploads.create(world.call,
                              {digest_of(bytes), static_cast<std::int64_t>(bytes.size()), std::nullopt, std::nullopt},
                              "principal");
    }
    // A session for these bytes; its id.
    std::string begin(std::string_view bytes) {
        const auto made = announce(bytes);
        REQUIRE(made.ok());
        return made->session.id;
    }
    Result<domain::UploadPart> put(const std::string& id, std::uint32_t number, std::string bytes) {
        ports::TextReader body(bytes);
        return uploads.put_part(world.call, id, {number, bytes.size(), std::nullopt}, body);
    }
    // Without a length, with what the body does.
    Result<domain::UploadPart> put(const std::string& id, std::uint32_t number, ports::ByteReader& body) {
        return uploads.put_part(world.call, id, {number, std::nullopt, std::nullopt}, body);
    }
    // A session that holds these parts, in the order of their numbers.
    std::string begin_with(const std::vector<std::string>& parts) {
        std::string all;
        for (const auto& part : parts) all += part;
        const std::string id = begin(all);
        std::uint32_t number = 0;
        for (const auto& part : parts) REQUIRE(put(id, ++number, part).ok());
        return id;
    }
    std::vector<domain::UploadPart> parts(const std::string& id) {
        auto list = uploads.parts(world.call, id);
        REQUIRE(list.ok());
        return std::move(*list);
    }
    // Names every accepted part.
    Result<domain::UploadSession> complete(const std::string& id) {
        return uploads.complete(world.call, id, parts(id));
    }
    domain::UploadSession session(const std::string& id) {
        auto found = uploads.get(world.call, id);
        REQUIRE(found.ok());
        return std::move(*found);
    }
    domain::UploadState state(const std::string& id) { return session(id).state; }

    World& world;
    services::PartsInFlight in_flight;
    int completed = 0;                  // how often promotion was called
    std::vector<std::string> accepted;  // sessions of the parts that were announced to the hasher
    services::UploadService uploads;
    services::PartHasher hasher;
    services::StagingSweeper sweeper;
};

// Puts a session into a state behind the services' back.
inline void set_upload_state(World& world, const std::string& id, domain::UploadState state) {
    CHECK(world.exec("UPDATE upload_sessions SET state = $2 WHERE id = $1", {id, domain::to_string(state)}) == 1);
}

}  // namespace imgsrv::test
