#include "client/job_triage.h"

#include <catch2/catch.hpp>

using namespace imgsrv::client;

namespace {

const std::string kOne = "sha256:" + std::string(64, 'a');
const std::string kTwo = "sha256:" + std::string(63, 'b') + "0";

Job failed_job(std::string reason, std::string failure) {
    Job job;
    job.id = "j1";
    job.image = "debian";
    job.version = "12.5";
    job.state = "failed";
    job.failed_step = "validate_catalog";
    job.reason = std::move(reason);
    job.failure = std::move(failure);
    return job;
}

bool has(const std::string& text, const std::string& words) {
    return text.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("digests are found in a text, each once") {
    CHECK(digests_in("").empty());
    CHECK(digests_in("sha256:abc and sha256:" + std::string(64, 'G')).empty());
    CHECK(digests_in(kOne + " (x), " + kTwo + "; " + kOne) == std::vector{kOne, kTwo});
}

TEST_CASE("a failed job shows step, reason, digests and what to do next") {
    const std::string text = triage(failed_job("failed_precondition", "1 blob not uploaded: " + kOne), {kTwo});
    CHECK(has(text, "debian 12.5 failed in validate_catalog (failed_precondition): 1 blob not uploaded"));
    CHECK(has(text, "affected: " + kOne));
    CHECK_FALSE(has(text, kTwo));
    CHECK(has(text, "next: upload what is missing, then 'imgsrv job retry j1'"));
    CHECK(has(text, "'imgsrv job abandon j1'"));
}

TEST_CASE("a failure that names no digest shows those of the version") {
    const std::string text = triage(failed_job("failed_precondition", "it is no disk"), {kTwo});
    CHECK(has(text, "of the version: " + kTwo));
    CHECK(has(text, "next: fix what it reports"));
}

TEST_CASE("what to do next depends on the reason") {
    CHECK(has(triage(failed_job("data_loss", kOne), {}), "upload the damaged bytes again"));
    CHECK(has(triage(failed_job("unavailable", "x"), {}), "/health"));
    CHECK(has(triage(failed_job("internal", "x"), {}), "log for the request job-j1"));
}

TEST_CASE("jobs that did not fail") {
    Job job = failed_job("", "");
    job.state = "succeeded";
    CHECK(triage(job, {}).empty());
    CHECK(what_failed(job).empty());
    job.state = "abandoned";
    CHECK(has(triage(job, {}), "publish debian 12.5 again"));
    job.state = "queued";
    CHECK(has(triage(job, {}), "imgsrv job abandon j1"));
}
