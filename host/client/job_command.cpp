#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "client/commands.h"
#include "client/job_follow.h"
#include "client/job_triage.h"
#include "client/paging.h"
#include "client/run_command.h"
#include "client/table.h"
#include "core/units.h"

namespace imgsrv::client {
namespace {

using nlohmann::json;

struct JobOptions : CommandOptions {
    std::string id;
    std::string state;
    bool follow = false;
    std::string wait = "1h";
};

int run_job_list(const JobOptions& options) {
    return run_command(options, [&](CommandContext& c) -> Status {
        const std::string filter = options.state.empty() ? "" : "?state=" + encode_segment(options.state);
        IMGSRV_ASSIGN(const json jobs, list_all(c.http, "/v1/publish-jobs" + filter));
        if (c.json) return c.print(jobs), Status();
        Table table({"JOB", "IMAGE", "VERSION", "STATE", "FAILED STEP", "CREATED"});
        for (const json& job : jobs)
            table.add({job.value("id", ""), job.value("image_name", ""), job.value("version", ""),
                       job.value("state", ""), job.value("failed_step", ""), job.value("created_at", "")});
        c.print(table.empty() ? std::string("no such job\n") : table.render());
        for (const json& document : jobs) {
            IMGSRV_ASSIGN(const Job job, parse_job(document));
            if (job.state == "failed") c.print("\n" + triage(job, {}));
        }
        return {};
    });
}

void show(CommandContext& c, const Job& job) {
    c.print(job.image + " " + job.version + "  " + job.state + "\n");
    Table table({"STEP", "STATE", "ATTEMPTS", "STARTED", "FINISHED", "WHY"});
    for (const JobStep& step : job.steps)
        table.add({step.name + (step.blocking ? "" : " (not blocking)"), step.state, std::to_string(step.attempts),
                   step.started_at, step.finished_at, step.failure});
    c.print(table.render());
}

int run_job_show(const JobOptions& options) {
    return run_command(options, [&](CommandContext& c) -> Status {
        if (c.json) {
            IMGSRV_ASSIGN(const json document, c.http.get(job_path(options.id)));
            return c.print(document), Status();
        }
        IMGSRV_ASSIGN(const Job job, c.catalogue.job(options.id));
        show(c, job);
        std::vector<std::string> digests;
        if (job.state == "failed" && digests_in(job.failure).empty()) {
            IMGSRV_ASSIGN(digests, digests_of_version(c.catalogue, job));
        }
        c.print(triage(job, digests));
        return {};
    });
}

int run_job_retry(const JobOptions& options) {
    return run_command(options, [&](CommandContext& c) -> Status {
        IMGSRV_ASSIGN(const auto wait, parse_duration(options.wait));
        IMGSRV_ASSIGN(const Job before, c.catalogue.job(options.id));
        IMGSRV_ASSIGN(const Job job, c.catalogue.retry(options.id));
        c.reporter.event("retrying", {{"job_id", job.id}, {"image", job.image}, {"version", job.version}},
                         "retrying " + job.image + " " + job.version + what_failed(before) +
                             (options.follow ? "" : "\nnext: imgsrv job show " + job.id));
        if (!options.follow) return {};
        IMGSRV_TRY(follow_job(c.catalogue, c.reporter, job, wait));
        c.reporter.event("published", {{"image", job.image}, {"version", job.version}},
                         job.image + " " + job.version + " is published");
        return {};
    });
}

int run_job_abandon(const JobOptions& options) {
    return run_command(options, [&](CommandContext& c) -> Status {
        IMGSRV_ASSIGN(const Job before, c.catalogue.job(options.id));
        IMGSRV_ASSIGN(const Job job, c.catalogue.abandon(options.id));
        c.reporter.event("abandoned", {{"job_id", job.id}, {"image", job.image}, {"version", job.version}},
                         "the job is abandoned" + what_failed(before) + "\n" + job.image + " " + job.version +
                             " is a draft again\nnext: change the draft and publish it again");
        return {};
    });
}

}  // namespace

void add_job_command(CLI::App& app, int& exit_code) {
    CLI::App* group = app.add_subcommand("job", "Show publish jobs; retry or abandon a failed one");
    group->require_subcommand(1);
    group->footer(
        "Examples:\n"
        "  imgsrv job list --state failed\n"
        "  imgsrv job show 0193e5a2-7c5e-7d2a-9d4b-0a4d2f0c1b11\n"
        "  imgsrv job retry 0193e5a2-7c5e-7d2a-9d4b-0a4d2f0c1b11 --follow\n\n" +
        exit_code_help());

    const auto add = [&](const char* name, const char* what, int (*run)(const JobOptions&)) {
        auto options = std::make_shared<JobOptions>();
        CLI::App* c = group->add_subcommand(name, what);
        if (run == run_job_list)
            c->add_option("--state", options->state,
                          "Only jobs in this state: queued, running, succeeded, failed or abandoned")
                ->type_name("STATE");
        else
            c->add_option("job", options->id, "The job's id")->required()->type_name("JOB");
        if (run == run_job_retry) {
            c->add_flag("--follow", options->follow, "Report its steps until it ends");
            c->add_option("--wait", options->wait, "How long to follow it")
                ->type_name("DURATION")
                ->capture_default_str();
        }
        add_command_options(*c, *options);
        c->callback([options, run, &exit_code] { exit_code = run(*options); });
    };
    add("list", "List publish jobs, newest first", run_job_list);
    add("show", "Show one job and its steps", run_job_show);
    add("retry", "Run a failed job again from the failed step", run_job_retry);
    add("abandon", "Give up a failed or queued job; its version becomes a draft again", run_job_abandon);
}

}  // namespace imgsrv::client
