#include "client/uploader.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "client/paging.h"
#include "core/units.h"

namespace imgsrv::client {
namespace {

using nlohmann::json;

// A session may end under us (expired, aborted, completed by a request whose answer was lost): look again this often.
constexpr int kSessionAttempts = 3;

bool is_open(std::string_view state) {
    return state == "created" || state == "uploading";
}
bool is_arrived(std::string_view state) {
    return state == "completed" || state == "ingesting" || state == "ready";
}

Status unexpected_answer(const json::exception& e) {
    return Status(Code::internal, std::string("unexpected answer from the server:  ") + e.what());
}

// Looking at the session again may help: it is gone or has changed its state.
bool session_changed(const Status& status) {
    return status.code() == Code::not_found || status.code() == Code::failed_precondition ||
           status.code() == Code::already_exists;
}

}  // namespace

Uploader::Uploader(std::shared_ptr<Connection> connection, Reporter& reporter, UploadOptions options)
    : connection_(std::move(connection)), reporter_(reporter), options_(options), http_(connection_) {}

Result<Uploader::Session> Uploader::look(const std::string& id, const LocalFile& file) {
    IMGSRV_ASSIGN(const json answer, http_.get("/v1/uploads/" + encode_segment(id)));
    try {
        if (answer.at("expected_digest") != file.digest())
            return Status(Code::not_found, "the session is for another blob");
        Session session;
        session.id = id;
        session.state = answer.at("state");
        session.failure = answer.value("failure_message", "");
        return session;
    } catch (const json::exception& e) {
        return unexpected_answer(e);
    }
}

Result<Uploader::Session> Uploader::resume(const LocalFile& file, const UploadRecord& record) {
    const auto pending = record.load();
    if (!pending || cut(file.size(), pending->part_size).size() > kMaxParts)
        return Status(Code::not_found, "no upload to resume");
    IMGSRV_ASSIGN(Session session, look(pending->upload_id, file));
    if (!is_open(session.state) && !is_arrived(session.state))
        return Status(Code::not_found, "the session is " + session.state);
    session.part_size = pending->part_size;
    session.resumed = true;
    return session;
}

Result<Uploader::Session> Uploader::begin(const LocalFile& file, std::string_view media_type) {
    // Repeating this after a lost answer leaves behind an empty session, which expires on the server.
    IMGSRV_ASSIGN(const json answer, http_.json({.method = "POST",
                                                 .path = "/v1/uploads",
                                                 .json = json{{"expected_digest", file.digest()},
                                                              {"expected_size_bytes", file.size()},
                                                              {"media_type_hint", media_type},
                                                              {"filename_hint", file.name()}}
                                                             .dump(),
                                                 .file = {},
                                                 .cancel = {}}));
    Session session;
    IMGSRV_ASSIGN(session.part_size, choose_part_size(file.size(), options_.part_size));
    try {
        session.id = answer.at("id");
        session.state = answer.at("state");
    } catch (const json::exception& e) {
        return unexpected_answer(e);
    }
    return session;
}

Status Uploader::accepted_parts(const Session& session, const std::vector<PartRange>& plan, std::vector<Part>& parts) {
    IMGSRV_ASSIGN(const json list, list_all(http_, "/v1/uploads/" + encode_segment(session.id) + "/parts"));
    try {
        for (const json& part : list) {
            const std::uint64_t number = part.at("part_number");
            // A part of another size comes from another part size: it is sent again and replaced.
            if (number >= 1 && number <= plan.size() && part.at("size_bytes") == plan[number - 1].length)
                parts[number - 1] = {.etag = part.at("etag"), .size = part.at("size_bytes")};
        }
    } catch (const json::exception& e) {
        return unexpected_answer(e);
    }
    return {};
}

Result<Uploader::Part> Uploader::send_part(HttpClient& http, const std::string& url, const LocalFile& file,
                                           const PartRange& range, std::atomic<std::int64_t>& sent,
                                           const CancelToken& cancel) {
    IMGSRV_ASSIGN(
        const json answer,
        http.json({.method = "PUT",
                   .path = url + std::to_string(range.number),
                   .json = {},
                   .file = FileWindow{.fd = file.fd(), .offset = range.offset, .length = range.length, .sent = &sent},
                   .cancel = cancel}));
    try {
        return Part{.etag = answer.at("etag"), .size = answer.at("size_bytes")};
    } catch (const json::exception& e) {
        return unexpected_answer(e);
    }
}

Status Uploader::send_parts(const Session& session, const LocalFile& file, const std::vector<PartRange>& plan,
                            std::vector<Part>& parts) {
    std::vector<const PartRange*> missing;
    std::uint64_t already = 0;
    for (std::size_t i = 0; i < plan.size(); ++i) {
        if (parts[i].etag.empty())
            missing.push_back(&plan[i]);
        else
            already += plan[i].length;
    }
    const std::string url = "/v1/uploads/" + encode_segment(session.id) + "/parts/";
    const auto stop = std::make_shared<Cancellation>();
    std::atomic<std::int64_t> sent{static_cast<std::int64_t>(already)};
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t running = std::min<std::size_t>(std::max(1U, options_.parallel), missing.size());
    Status first_failure;

    // Parts are sent in order, so that the server can hash them as they arrive and reads nothing twice.
    const auto work = [&] {
        HttpClient http(connection_);
        Status status;
        for (std::size_t i = next++; i < missing.size() && status.ok() && !stop->cancelled(); i = next++) {
            auto part = send_part(http, url, file, *missing[i], sent, stop);
            if (part.ok())
                parts[missing[i]->number - 1] = std::move(part).value();
            else
                status = part.status();
        }
        const std::lock_guard lock(mutex);
        if (!status.ok()) {
            if (first_failure.ok()) first_failure = status;
            stop->cancel();
        }
        --running;
        changed.notify_all();
    };
    std::vector<std::jthread> threads;
    const std::size_t count = running;
    for (std::size_t i = 0; i < count; ++i) threads.emplace_back(work);

    const std::string what = "uploading " + file.name();
    std::unique_lock lock(mutex);
    while (!changed.wait_for(lock, std::chrono::milliseconds(100), [&] { return running == 0; }))
        reporter_.progress(what, static_cast<std::uint64_t>(std::max<std::int64_t>(0, sent)), file.size(), already);
    reporter_.progress_end();
    return first_failure;
}

Status Uploader::complete(const Session& session, const std::vector<PartRange>& plan, const std::vector<Part>& parts) {
    json list = json::array();
    for (std::size_t i = 0; i < plan.size(); ++i)
        list.push_back({{"number", plan[i].number}, {"etag", parts[i].etag}, {"size_bytes", parts[i].size}});
    return http_
        .json({.method = "POST",
               .path = "/v1/uploads/" + encode_segment(session.id) + "/complete",
               .json = json{{"parts", std::move(list)}}.dump(),
               .file = {},
               .cancel = {}})
        .status();
}

Result<Uploader::Sent> Uploader::send(const LocalFile& file, std::string_view media_type) {
    Sent sent{
        .file = &file, .upload_id = {}, .record = std::make_unique<UploadRecord>(connection_->base_url, file.digest())};
    Status last;
    for (int attempt = 0; attempt < kSessionAttempts; ++attempt) {
        last = Status();
        auto found = resume(file, *sent.record);
        if (!found.ok() && session_changed(found.status())) found = begin(file, media_type);
        // Another principal's session is of no use.
        if (!found.ok() && found.status().code() == Code::permission_denied) found = begin(file, media_type);
        if (!found.ok()) return std::move(found).status();
        const Session session = std::move(found).value();
        if (session.state == "ready") {
            sent.record->forget();
            reporter_.event("present", {{"file", file.path()}, {"digest", file.digest()}, {"size_bytes", file.size()}},
                            file.name() + " is already on the server");
            return sent;
        }
        sent.upload_id = session.id;
        if (is_arrived(session.state)) return sent;
        if (!is_open(session.state))
            return Status(Code::internal, "the server opened an upload that is " + session.state);
        sent.record->save({.upload_id = session.id, .part_size = session.part_size});

        const auto plan = cut(file.size(), session.part_size);
        std::vector<Part> parts(plan.size());
        if (session.resumed) last = accepted_parts(session, plan, parts);
        std::uint64_t already = 0;
        for (const Part& part : parts) already += part.size;
        if (last.ok()) {
            reporter_.event("upload",
                            {{"file", file.path()},
                             {"digest", file.digest()},
                             {"size_bytes", file.size()},
                             {"upload_id", session.id},
                             {"parts", plan.size()},
                             {"resumed_bytes", already}},
                            already > 0 ? "resuming " + file.name() + ": the server has " + format_size(already) +
                                              " of " + format_size(file.size())
                                        : "uploading " + file.name() + " (" + format_size(file.size()) + ")");
            last = send_parts(session, file, plan, parts);
        }
        const bool complete_refused = last.ok() && !(last = complete(session, plan, parts)).ok();
        if (last.ok()) return sent;
        // If the upload were resumed, the rejected parts would be sent again unchanged.
        if (last.code() == Code::invalid_argument && !complete_refused) sent.record->forget();
        // The server rejects the completion as invalid if it no longer has a part: look what it has.
        if (!session_changed(last) && !(complete_refused && last.code() == Code::invalid_argument)) return last;
        IMGSRV_TRY(file.unchanged());
    }
    return std::move(last).with_context("uploading " + file.name());
}

Status Uploader::wait_ready(Sent& sent) {
    if (sent.upload_id.empty()) return {};
    const auto deadline = std::chrono::steady_clock::now() + options_.ready_timeout;
    auto wait = std::chrono::milliseconds(10);
    while (true) {
        IMGSRV_ASSIGN(const Session session, look(sent.upload_id, *sent.file));
        if (session.state == "ready") {
            sent.record->forget();
            reporter_.event("uploaded", {{"file", sent.file->path()}, {"digest", sent.file->digest()}},
                            sent.file->name() + " is uploaded and verified");
            return {};
        }
        if (!is_arrived(session.state)) {
            sent.record->forget();
            IMGSRV_TRY(sent.file->unchanged());
            return Status(session.state == "failed" ? Code::data_loss : Code::failed_precondition,
                          "the upload of " + sent.file->name() + " is " + session.state +
                              (session.failure.empty() ? "" : ": " + session.failure));
        }
        if (std::chrono::steady_clock::now() >= deadline)
            return Status(Code::deadline, "the server did not verify " + sent.file->name() + " within " +
                                              format_duration(options_.ready_timeout) +
                                              "; run the command again to continue");
        std::this_thread::sleep_for(wait);
        wait = std::min(wait * 2, std::chrono::milliseconds(1000));
    }
}

}  // namespace imgsrv::client
