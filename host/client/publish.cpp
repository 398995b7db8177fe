#include "client/publish.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "client/catalogue.h"
#include "client/connect.h"
#include "client/draft_plan.h"
#include "client/job_follow.h"
#include "client/publish_input.h"
#include "client/uploader.h"
#include "core/units.h"

namespace imgsrv::client {
namespace {

// Rounds of "look, then add what is missing". More than one is needed only if another publisher, or a lost answer,
// interferes.
constexpr int kDraftRounds = 4;

class Publisher {
  public:
    Publisher(const PublishOptions& options, Reporter& reporter, std::shared_ptr<Connection> connection)
        : options_(options),
          reporter_(reporter),
          connection_(std::move(connection)),
          http_(connection_),
          catalogue_(http_) {}

    Status run() {
        IMGSRV_ASSIGN(upload_.part_size, parse_size(options_.part_size));
        IMGSRV_TRY(choose_part_size(1, upload_.part_size).status());
        IMGSRV_ASSIGN(upload_.ready_timeout, parse_duration(options_.wait));
        upload_.parallel = options_.parallel;
        IMGSRV_ASSIGN(input_, open_input(options_));
        hint_missing_metadata();
        // Before the long work: check that the server can be reached and that the token is accepted.
        IMGSRV_TRY(catalogue_.check_writer());
        IMGSRV_TRY(hash_files());
        wanted_ = input_.artifacts(options_);

        IMGSRV_ASSIGN(const std::string state, settle_version());
        if (options_.draft && state == "publishing")
            return Status(Code::failed_precondition, title() + " is no longer a draft: it is being published");
        if (state != "published") {
            IMGSRV_TRY(upload_files());
            if (options_.draft) {
                reporter_.event("draft_ready", members(),
                                title() + " is a draft with these files; run again without --draft to publish it");
                return {};
            }
            IMGSRV_TRY(publish());
        }
        for (const std::string& alias : options_.aliases) {
            IMGSRV_TRY(catalogue_.set_alias(options_.image, alias, options_.version));
            auto m = members();
            m["alias"] = alias;
            reporter_.event("alias", std::move(m), "alias " + alias + " -> " + title());
        }
        reporter_.event("published", members(), title() + " is published");
        return {};
    }

  private:
    std::string title() const { return options_.image + " " + options_.version; }
    nlohmann::ordered_json members() const { return {{"image", options_.image}, {"version", options_.version}}; }

    void hint_missing_metadata() {
        const bool has = std::any_of(input_.extras.begin(), input_.extras.end(), [](const auto& extra) {
            return extra.name == "incus.tar.xz" || extra.name == "lxd.tar.xz";
        });
        for (const auto& root : input_.roots)
            if (root.format.needs_metadata && !has)
                reporter_.warn("without --metadata, Incus and LXD clients do not see the " +
                               std::string(root.format.name));
    }

    Status hash_files() {
        for (auto& [file, media_type] : input_.files) {
            const LocalFile& f = file;
            const std::string what = "hashing " + f.name();
            const Status status = file.hash([&](std::uint64_t done) { reporter_.progress(what, done, f.size()); });
            reporter_.progress_end();
            IMGSRV_TRY(status);
            reporter_.event("hashed", {{"file", f.path()}, {"digest", f.digest()}, {"size_bytes", f.size()}},
                            f.digest() + "  " + f.name() + " (" + format_size(f.size()) + ")");
        }
        return {};
    }

    // Makes sure that the version exists and has the wanted artifacts, or is frozen with them. Returns its state:
    // draft, publishing or published.
    Result<std::string> settle_version() {
        for (int round = 0; round < kDraftRounds; ++round) {
            IMGSRV_ASSIGN(const auto manifest, catalogue_.find_version(options_.image, options_.version));
            if (!manifest) {
                IMGSRV_TRY(catalogue_.ensure_image(options_.image, options_.display_name, options_.description));
                const Status created = catalogue_.create_draft(options_.image, options_.version);
                if (created.ok())
                    reporter_.event("draft", members(), "draft " + title() + " created");
                else if (created.code() != Code::already_exists)
                    return created;
                continue;
            }
            if (manifest->state != "draft") {
                IMGSRV_TRY(check_frozen(*manifest, wanted_));
                if (manifest->state == "published")
                    reporter_.event("unchanged", members(), title() + " is already published with exactly these files");
                return manifest->state;
            }
            IMGSRV_ASSIGN(const DraftPlan plan, plan_draft(*manifest, wanted_, options_.replace));
            const Status status = apply(*manifest, plan);
            if (status.ok()) return manifest->state;
            if (status.code() != Code::already_exists) return status;
        }
        return Status(Code::already_exists, "another publisher keeps changing " + title());
    }

    Status apply(const Manifest& draft, const DraftPlan& plan) {
        for (const std::string& id : plan.remove) IMGSRV_TRY(catalogue_.remove_artifact(draft, id));
        for (const Artifact& artifact : plan.add) {
            IMGSRV_ASSIGN(const Artifact added, catalogue_.add_artifact(draft, artifact));
            for (const Attachment& attachment : artifact.attachments)
                IMGSRV_TRY(catalogue_.add_attachment(draft, added.id, attachment));
        }
        for (const auto& [artifact_id, attachment] : plan.attach)
            IMGSRV_TRY(catalogue_.add_attachment(draft, artifact_id, attachment));
        return {};
    }

    // Sends everything before the first wait, so that the server verifies one file while it receives the next.
    Status upload_files() {
        Uploader uploader(connection_, reporter_, upload_);
        std::vector<Uploader::Sent> sent;
        std::set<std::string> digests;
        for (const auto& [file, media_type] : input_.files) {
            if (!digests.insert(file.digest()).second) continue;
            IMGSRV_ASSIGN(auto one, uploader.send(file, media_type));
            sent.push_back(std::move(one));
        }
        for (auto& one : sent) IMGSRV_TRY(uploader.wait_ready(one));
        return {};
    }

    Status publish() {
        IMGSRV_ASSIGN(Job job, catalogue_.publish(options_.image, options_.version));
        // The failed job of an earlier run: this run has uploaded what was missing.
        if (job.state == "failed") {
            auto again = catalogue_.retry(job.id);
            if (again.status().code() == Code::failed_precondition)
                again = catalogue_.job(job.id);  // someone else retried it
            IMGSRV_ASSIGN(job, std::move(again));
        }
        auto m = members();
        m["job_id"] = job.id;
        reporter_.event("publishing", std::move(m), "publishing " + title() + " (job " + job.id + ")");
        return follow_job(catalogue_, reporter_, std::move(job), upload_.ready_timeout);
    }

    const PublishOptions& options_;
    Reporter& reporter_;
    std::shared_ptr<Connection> connection_;
    HttpClient http_;
    Catalogue catalogue_;
    UploadOptions upload_;
    PublishInput input_;
    std::vector<Artifact> wanted_;
};

}  // namespace

int run_publish(const PublishOptions& options) {
    Reporter reporter(options.json ? Reporter::Format::json : Reporter::Format::text);
    auto connection = connect(options.connection, reporter);
    if (!connection.ok()) return reporter.fail(connection.status());
    Publisher publisher(options, reporter, *connection);
    const Status status = publisher.run();
    return status.ok() ? 0 : reporter.fail(status);
}

}  // namespace imgsrv::client
