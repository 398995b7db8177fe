#pragma once

#include <imgsrv/publish_step.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conformance/loader.h"
#include "conformance/runner.h"

namespace imgsrv::conformance {

struct Attachment {
    std::string name, digest;
    std::uint64_t size = 0;
    std::string media_type = "application/octet-stream";
};

struct Artifact {
    std::string id, os, architecture, variant, format, digest;
    std::uint64_t size = 0;
    std::vector<Attachment> attachments = {};
    std::string media_type = "application/octet-stream";
};

// What a call of a plugin came to.
struct Outcome {
    imgsrv_code code = IMGSRV_OK;
    imgsrv_error error{};
    std::string_view message() const { return error.message; }
};

// Plays the host for one version: holds its manifest and, in memory, the trusted blobs, and records what a step does.
// It is strict where a real host may be lenient: readers yield few bytes at a time, and whatever it lent is overwritten
// as soon as the rules allow. Misuse is recorded, not punished at once; a test looks at misuse() at the end.
class PublishHost {
  public:
    PublishHost(std::string image, std::string version) : image_(std::move(image)), version_(std::move(version)) {}

    // Makes the bytes a trusted blob and returns its digest.
    std::string add_blob(std::string bytes);
    // An artifact of the bytes given, which become a trusted blob.
    Artifact& add_artifact(std::string id, std::string os, std::string architecture, std::string variant,
                           std::string format, std::string bytes);
    // An attachment of the last artifact.
    void attach(std::string name, std::string bytes);
    std::vector<Artifact>& artifacts() { return artifacts_; }
    void forget_blob(const std::string& digest) { blobs_.erase(digest); }

    // From now on the reader of that blob fails with this code, `after` bytes into it.
    void fail_read(const std::string& digest, std::uint64_t after, imgsrv_code code) {
        faults_[digest] = {after, code};
    }
    // Cancels the call once that many bytes were read in a run.
    void cancel_after(std::uint64_t bytes, Call& call) { cancel_at_ = bytes, to_cancel_ = &call; }

    // Runs the step with the next attempt number. Forgets what the run before it put.
    Outcome run(Instance& step, const Call& call);

    const std::map<std::string, std::string>& rows() const { return rows_; }
    int times_published() const { return times_published_; }
    std::uint64_t bytes_read() const { return bytes_read_; }
    const std::vector<std::pair<std::uint64_t, std::uint64_t>>& progress() const { return progress_; }
    // Rules broken in any run so far, each a sentence that starts with its number.
    const std::vector<std::string>& misuse() const { return misuse_; }

  private:
    struct Fault {
        std::uint64_t after;
        imgsrv_code code;
    };
    struct BlobReader;
    struct Frozen;

    static PublishHost& of(void* ctx) { return *static_cast<PublishHost*>(ctx); }
    imgsrv_code open(std::string_view digest, std::uint64_t offset, std::int64_t length, imgsrv_reader& ret,
                     imgsrv_error& err);
    std::int64_t read(BlobReader& reader, char* to, std::size_t cap, imgsrv_error& err);
    void close(BlobReader* reader);

    std::string image_, version_;
    std::vector<Artifact> artifacts_;
    std::map<std::string, std::string, std::less<>> blobs_;
    std::map<std::string, Fault, std::less<>> faults_;
    std::uint64_t cancel_at_ = 0;
    Call* to_cancel_ = nullptr;

    bool finalizer_ = false;
    std::uint32_t attempt_ = 0;
    std::set<BlobReader*> open_;
    std::map<std::string, std::string> rows_;
    int times_published_ = 0;
    std::uint64_t bytes_read_ = 0;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> progress_;
    std::vector<std::string> misuse_;
};

// Plays the catalogue of published versions for rendering.
class PublishedView {
  public:
    struct Version {
        std::string image, display_name, version, version_id;
        std::int64_t published_us = 0;
        std::vector<std::string> aliases = {};
    };

    void add(const Version& version, const std::map<std::string, std::string>& rows);
    // Replaces the aliases of a version.
    void set_aliases(const std::string& image, const std::string& version, std::vector<std::string> aliases);
    // The row of that number, from 0, cannot be read.
    void fail_row(std::size_t number, imgsrv_code code) { fail_row_ = number, fail_code_ = code; }
    // The sink takes this many bytes and then fails with ABORTED.
    void limit_output(std::size_t bytes) { limit_ = bytes; }

    // Renders into `document`. May be called from several threads at once.
    Outcome render(Instance& step, const Call& call, std::string_view path, std::string& document) const;

  private:
    struct Row {
        std::size_t version;
        std::string key, json;
    };
    struct Cursor;

    std::vector<Version> versions_;
    std::vector<Row> rows_;
    std::size_t fail_row_ = static_cast<std::size_t>(-1);
    imgsrv_code fail_code_ = IMGSRV_OK;
    std::size_t limit_ = static_cast<std::size_t>(-1);
};

}  // namespace imgsrv::conformance
