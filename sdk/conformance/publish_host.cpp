#include "conformance/publish_host.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <memory>
#include <stdexcept>

namespace imgsrv::conformance {
namespace {

constexpr std::size_t kMostAtOnce = 64 * 1024 - 7;  // odd on purpose
constexpr std::size_t kLongestKey = 512;
constexpr std::size_t kLargestRow = 1024 * 1024;

imgsrv_str str(const std::string& s) {
    return {s.data(), s.size()};
}
std::string_view view(imgsrv_str s) {
    return {s.ptr, s.len};
}

imgsrv_code report(imgsrv_error& err, imgsrv_code code, std::string_view message) {
    err = {};
    const std::size_t n = std::min(message.size(), sizeof err.message - 1);
    std::memcpy(err.message, message.data(), n);
    if (code == IMGSRV_UNAVAILABLE) err.flags = IMGSRV_ERR_RETRYABLE;
    return code;
}

const imgsrv_publish_step& table(const Instance& step) {
    return *static_cast<const imgsrv_publish_step*>(step.component().vtable);
}

std::string sha256_digest(std::string_view bytes) {
    std::array<unsigned char, 32> digest{};
    if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
        throw std::runtime_error("OpenSSL cannot compute SHA-256");
    }
    std::string text = "sha256:";
    for (const unsigned char byte : digest) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

}  // namespace

struct PublishHost::BlobReader {
    PublishHost* host;
    std::string digest;
    std::string_view rest;
    std::uint64_t offset;  // of `rest` in the blob
};

// The manifest in the ABI's form.
struct PublishHost::Frozen {
    std::deque<imgsrv_attachment> attachments;
    std::deque<std::vector<const imgsrv_attachment*>> attachment_lists;
    std::deque<imgsrv_artifact> artifacts;
    std::vector<const imgsrv_artifact*> list;

    explicit Frozen(const std::vector<Artifact>& from) {
        for (const Artifact& a : from) {
            auto& pointers = attachment_lists.emplace_back();
            for (const Attachment& t : a.attachments) {
                attachments.push_back(
                    {sizeof(imgsrv_attachment), 0, str(t.name), str(t.name), str(t.media_type), str(t.digest), t.size});
                pointers.push_back(&attachments.back());
            }
            pointers.push_back(nullptr);
            artifacts.push_back({sizeof(imgsrv_artifact), 0, str(a.id), str(a.os), str(a.architecture), str(a.variant),
                                 str(a.format), str(a.media_type), str(a.digest), a.size, pointers.data()});
            list.push_back(&artifacts.back());
        }
        list.push_back(nullptr);
    }
};

std::string PublishHost::add_blob(std::string bytes) {
    std::string digest = sha256_digest(bytes);
    blobs_[digest] = std::move(bytes);
    return digest;
}

Artifact& PublishHost::add_artifact(std::string id, std::string os, std::string architecture, std::string variant,
                                    std::string format, std::string bytes) {
    const std::uint64_t size = bytes.size();
    artifacts_.push_back({std::move(id), std::move(os), std::move(architecture), std::move(variant), std::move(format),
                          add_blob(std::move(bytes)), size});
    return artifacts_.back();
}

void PublishHost::attach(std::string name, std::string bytes) {
    const std::uint64_t size = bytes.size();
    artifacts_.back().attachments.push_back({std::move(name), add_blob(std::move(bytes)), size});
}

imgsrv_code PublishHost::open(std::string_view digest, std::uint64_t offset, std::int64_t length, imgsrv_reader& ret,
                              imgsrv_error& err) {
    const auto blob = blobs_.find(digest);
    if (blob == blobs_.end()) return report(err, IMGSRV_NOT_FOUND, "no trusted blob " + std::string(digest));
    if (offset > blob->second.size()) return report(err, IMGSRV_OUT_OF_RANGE, "offset past the end of the blob");
    std::string_view bytes = std::string_view(blob->second).substr(offset);
    if (length >= 0) bytes = bytes.substr(0, static_cast<std::size_t>(length));
    auto* reader = new BlobReader{this, std::string(digest), bytes, offset};
    open_.insert(reader);
    ret.size = static_cast<std::int64_t>(bytes.size());
    ret.ctx = reader;
    ret.read = [](void* ctx, void* buf, size_t cap, imgsrv_error* e) noexcept -> std::int64_t {
        auto& r = *static_cast<BlobReader*>(ctx);
        return r.host->read(r, static_cast<char*>(buf), cap, *e);
    };
    ret.rewind = nullptr;
    ret.close = [](void* ctx) noexcept {
        auto* r = static_cast<BlobReader*>(ctx);
        r->host->close(r);
    };
    return IMGSRV_OK;
}

std::int64_t PublishHost::read(BlobReader& reader, char* to, std::size_t cap, imgsrv_error& err) {
    std::size_t n = std::min({cap, reader.rest.size(), kMostAtOnce});
    if (const auto fault = faults_.find(reader.digest); fault != faults_.end()) {
        const std::uint64_t left = fault->second.after - std::min(fault->second.after, reader.offset);
        if (left == 0) return -report(err, fault->second.code, "injected: the disk is gone");
        n = static_cast<std::size_t>(std::min<std::uint64_t>(n, left));
    }
    std::memcpy(to, reader.rest.data(), n);
    reader.rest.remove_prefix(n);
    reader.offset += n;
    bytes_read_ += n;
    if (to_cancel_ != nullptr && bytes_read_ >= cancel_at_) to_cancel_->cancel();
    return static_cast<std::int64_t>(n);
}

void PublishHost::close(BlobReader* reader) {
    if (open_.erase(reader) == 0) {
        misuse_.emplace_back("P4: a reader was closed twice");
        return;
    }
    delete reader;
}

Outcome PublishHost::run(Instance& step, const Call& call) {
    const std::string version_id = "5b1c4f0e-0000-4000-8000-000000000000";
    const Frozen frozen(artifacts_);
    rows_.clear();
    progress_.clear();
    bytes_read_ = 0;
    times_published_ = 0;
    finalizer_ = (step.component().flags & IMGSRV_COMPONENT_FINALIZER) != 0;

    imgsrv_step_run run{};
    run.struct_size = sizeof run;
    run.attempt = ++attempt_;
    run.ctx = this;
    run.version_id = str(version_id);
    run.image = str(image_);
    run.version = str(version_);
    run.artifacts = frozen.list.data();
    run.open_blob = [](void* ctx, const imgsrv_call*, imgsrv_str digest, std::uint64_t offset, std::int64_t length,
                       imgsrv_reader* ret,
                       imgsrv_error* err) noexcept { return of(ctx).open(view(digest), offset, length, *ret, *err); };
    run.blob_size = [](void* ctx, const imgsrv_call*, imgsrv_str digest, std::uint64_t* ret,
                       imgsrv_error* err) noexcept -> imgsrv_code {
        const auto blob = of(ctx).blobs_.find(view(digest));
        if (blob == of(ctx).blobs_.end()) return report(*err, IMGSRV_NOT_FOUND, "no trusted blob");
        *ret = blob->second.size();
        return IMGSRV_OK;
    };
    run.progress = [](void* ctx, std::uint64_t done, std::uint64_t total) noexcept {
        auto& seen = of(ctx).progress_;
        if (done > total) of(ctx).misuse_.emplace_back("P6: progress is past its total");
        if (!seen.empty() && done < seen.back().first) of(ctx).misuse_.emplace_back("P6: progress went back");
        seen.emplace_back(done, total);
    };
    run.put_row = [](void* ctx, imgsrv_str key, imgsrv_str json, imgsrv_error* err) noexcept -> imgsrv_code {
        if (key.len == 0 || key.len > kLongestKey || json.len == 0 || json.len > kLargestRow) {
            of(ctx).misuse_.emplace_back("P10: a row whose key or JSON is empty or too long");
            return report(*err, IMGSRV_INVALID_ARGUMENT, "the key or the JSON of a row is empty or too long");
        }
        of(ctx).rows_[std::string(view(key))] = std::string(view(json));
        return IMGSRV_OK;
    };
    run.request_published = [](void* ctx, imgsrv_error* err) noexcept -> imgsrv_code {
        if (!of(ctx).finalizer_) {
            of(ctx).misuse_.emplace_back("P7: request_published() from a step without IMGSRV_COMPONENT_FINALIZER");
            return report(*err, IMGSRV_PERMISSION_DENIED, "not a finalizer");
        }
        ++of(ctx).times_published_;
        return IMGSRV_OK;
    };

    Outcome outcome;
    outcome.code = table(step).run(step.self(), call.get(), &run, &outcome.error);
    if (!open_.empty()) misuse_.emplace_back("P4: a reader was still open when run() returned");
    while (!open_.empty()) close(*open_.begin());
    return outcome;
}

void PublishedView::add(const Version& version, const std::map<std::string, std::string>& rows) {
    versions_.push_back(version);
    for (const auto& [key, json] : rows) rows_.push_back({versions_.size() - 1, key, json});
}

void PublishedView::set_aliases(const std::string& image, const std::string& version,
                                std::vector<std::string> aliases) {
    for (Version& v : versions_) {
        if (v.image == image && v.version == version) v.aliases = aliases;
    }
}

// What one rendering has been lent. Each row and alias lives in memory of its own, freed at the next call, so that a
// sanitizer sees whoever keeps it longer.
struct PublishedView::Cursor {
    const PublishedView& view;
    std::size_t next = 0;
    struct Lent {
        Version version;
        std::string key, json;
    };
    std::unique_ptr<Lent> lent;
    std::unique_ptr<std::string> alias;
    std::string document;
};

Outcome PublishedView::render(Instance& step, const Call& call, std::string_view path, std::string& document) const {
    Cursor cursor{*this, 0, nullptr, nullptr, {}};
    imgsrv_render_view raw{};
    raw.struct_size = sizeof raw;
    raw.ctx = &cursor;
    raw.next_row = [](void* ctx, imgsrv_row* ret, imgsrv_error* err) noexcept -> std::int32_t {
        auto& c = *static_cast<Cursor*>(ctx);
        c.alias.reset();
        if (c.next == c.view.fail_row_) return -report(*err, c.view.fail_code_, "injected: the row cannot be read");
        if (c.next == c.view.rows_.size()) return 0;
        const Row& row = c.view.rows_[c.next++];
        c.lent = std::make_unique<Cursor::Lent>(Cursor::Lent{c.view.versions_[row.version], row.key, row.json});
        const Version& v = c.lent->version;
        ret->image = str(v.image);
        ret->display_name = str(v.display_name);
        ret->version = str(v.version);
        ret->version_id = str(v.version_id);
        ret->key = str(c.lent->key);
        ret->json = str(c.lent->json);
        ret->published_us = v.published_us;
        return 1;
    };
    raw.alias_at = [](void* ctx, imgsrv_str image, imgsrv_str version, size_t i, imgsrv_str* ret,
                      imgsrv_error*) noexcept -> std::int32_t {
        auto& c = *static_cast<Cursor*>(ctx);
        const auto same = [&](const Version& v) {
            return v.image == conformance::view(image) && v.version == conformance::view(version);
        };
        // Most often asked for the row that was just lent.
        const auto& all = c.view.versions_;
        const auto lent = all.begin() + static_cast<std::ptrdiff_t>(c.next == 0 ? 0 : c.view.rows_[c.next - 1].version);
        const auto found = lent != all.end() && same(*lent) ? lent : std::find_if(all.begin(), all.end(), same);
        if (found == all.end() || i >= found->aliases.size()) return 0;
        c.alias = std::make_unique<std::string>(found->aliases[i]);
        *ret = str(*c.alias);
        return 1;
    };
    imgsrv_byte_sink sink{&cursor, [](void* ctx, const void* p, size_t n) noexcept -> imgsrv_code {
                              auto& c = *static_cast<Cursor*>(ctx);
                              if (n > c.view.limit_ - std::min(c.view.limit_, c.document.size())) return IMGSRV_ABORTED;
                              c.document.append(static_cast<const char*>(p), n);
                              return IMGSRV_OK;
                          }};
    Outcome outcome;
    outcome.code = table(step).render(step.self(), call.get(), &raw, {path.data(), path.size()}, &sink, &outcome.error);
    document = std::move(cursor.document);
    return outcome;
}

}  // namespace imgsrv::conformance
