#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "client/connection.h"
#include "client/http_client.h"
#include "client/local_file.h"
#include "client/part_plan.h"
#include "client/reporter.h"
#include "client/upload_record.h"
#include "core/status.h"

namespace imgsrv::client {

struct UploadOptions {
    std::uint64_t part_size = 64ULL << 20U;
    unsigned parallel = 4;  // parts in flight
    // How long the server may take to verify a completed upload.
    std::chrono::milliseconds ready_timeout = std::chrono::hours(1);
};

// Uploads one file as a trusted blob: opens a session or resumes that of an earlier run, sends the missing parts, and
// completes it. Bytes that the server has are never sent again.
class Uploader {
  public:
    Uploader(std::shared_ptr<Connection> connection, Reporter& reporter, UploadOptions options);

    // What is left to wait for after send(). Empty id: the server already had the blob.
    struct Sent {
        const LocalFile* file = nullptr;
        std::string upload_id;
        std::unique_ptr<UploadRecord> record;
    };

    // Returns once the server has every byte and the session is completed. Requires that the file is hashed. [one
    // thread]
    Result<Sent> send(const LocalFile& file, std::string_view media_type);

    // Returns once the server has verified the bytes. data_loss if they differ from those announced.
    Status wait_ready(Sent& sent);

  private:
    struct Session {
        std::string id;
        std::string state;
        std::string failure;
        std::uint64_t part_size = 0;
        bool resumed = false;
    };
    struct Part {
        std::string etag;
        std::uint64_t size = 0;
    };

    Result<Session> resume(const LocalFile& file, const UploadRecord& record);
    Result<Session> begin(const LocalFile& file, std::string_view media_type);
    Result<Session> look(const std::string& id, const LocalFile& file);
    // Fills parts[i] for every part of the plan that the server has whole.
    Status accepted_parts(const Session& session, const std::vector<PartRange>& plan, std::vector<Part>& parts);
    Status send_parts(const Session& session, const LocalFile& file, const std::vector<PartRange>& plan,
                      std::vector<Part>& parts);
    Result<Part> send_part(HttpClient& http, const std::string& url, const LocalFile& file, const PartRange& range,
                           std::atomic<std::int64_t>& sent, const CancelToken& cancel);
    Status complete(const Session& session, const std::vector<PartRange>& plan, const std::vector<Part>& parts);

    std::shared_ptr<Connection> connection_;
    Reporter& reporter_;
    UploadOptions options_;
    HttpClient http_;
};

}  // namespace imgsrv::client
