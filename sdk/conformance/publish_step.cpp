#include "conformance/publish_step.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "conformance/publish_host.h"

namespace imgsrv::conformance {
namespace {

constexpr std::size_t kLargeBlob = 8 * 1024 * 1024;

const imgsrv_publish_step& step_table(const Instance& step) {
    return *static_cast<const imgsrv_publish_step*>(step.component().vtable);
}

bool finalizer(const Instance& step) {
    return (step.component().flags & IMGSRV_COMPONENT_FINALIZER) != 0;
}

std::vector<std::string> documents(const Instance& step) {
    std::vector<std::string> paths;
    for (const auto* const* d = step_table(step).documents; d != nullptr && *d != nullptr; ++d)
        paths.emplace_back((*d)->path);
    return paths;
}

std::string large(std::string head) {
    head.resize(kLargeBlob, '.');
    return head;
}

PublishHost standard_version(const std::string& name = "1.0") {
    PublishHost host("conformance", name);
    const auto describe = [&](const std::string& what) {
        host.attach("incus.tar.xz", "metadata of " + what + " " + name);
        host.attach("sbom.json", "{}");
    };
    host.add_artifact("a-disk", "linux", "x86_64", "default", "qcow2", large("QFI\xfb disk " + name));
    describe("disk");
    host.add_artifact("b-tree", "linux", "x86_64", "default", "squashfs", large("hsqs tree " + name));
    describe("tree");
    host.add_artifact("c-tar", "linux", "aarch64", "cloud", "root.tar.xz",
                      std::string("\xfd"
                                  "7zXZ\0",
                                  6) +
                          name);
    describe("tar");
    host.add_artifact("d-raw", "linux", "s390x", "default", "raw", "any bytes");
    host.attach("sbom.json", "{}");
    return host;
}

// Runs the step over the version; not offered when the step refuses it.
void run_or_skip(PublishHost& host, Instance& step) {
    Call call;
    const Outcome outcome = host.run(step, call);
    if (outcome.code == IMGSRV_FAILED_PRECONDITION) {
        throw NotOffered("the step refuses the kit's version: " + std::string(outcome.message()));
    }
    imgsrv_error error = outcome.error;
    expect_code(__FILE__, __LINE__, "run", outcome.code, IMGSRV_OK, error);
}

void expect_no_misuse(const PublishHost& host) {
    if (!host.misuse().empty()) fail(__FILE__, __LINE__, host.misuse().front());
}

std::string render(Instance& step, const PublishedView& view, const std::string& path) {
    Call call;
    std::string document;
    const Outcome outcome = view.render(step, call, path, document);
    expect_code(__FILE__, __LINE__, "render", outcome.code, IMGSRV_OK, outcome.error);
    return document;
}

void need_documents(const Instance& step) {
    if (documents(step).empty()) throw NotOffered("the step serves no documents");
}

PublishedView two_versions(Instance& step) {
    PublishedView view;
    PublishHost first = standard_version("1.0");
    run_or_skip(first, step);
    view.add({"conformance", "Conformance", "1.0", "v-1", 1'700'000'000'000'000, {"stable"}}, first.rows());
    PublishHost second = standard_version("2.0");
    run_or_skip(second, step);
    view.add({"conformance", "Conformance", "2.0", "v-2", 1'700'000'060'000'000, {"latest", "testing"}}, second.rows());
    return view;
}

void table_is_whole(Instance& step) {
    const imgsrv_publish_step& t = step_table(step);
    IMGSRV_EXPECT(t.struct_size >= sizeof(imgsrv_publish_step));
    IMGSRV_EXPECT(t.run != nullptr);
    IMGSRV_EXPECT(documents(step).empty() == (t.render == nullptr));
}

void equal_input_gives_equal_rows(Instance& step) {
    PublishHost host = standard_version();
    run_or_skip(host, step);
    const auto rows = host.rows();
    const int published = host.times_published();
    run_or_skip(host, step);
    IMGSRV_EXPECT(host.rows() == rows);
    IMGSRV_EXPECT(host.times_published() == published);
    step.restart();
    run_or_skip(host, step);
    IMGSRV_EXPECT(host.rows() == rows);
    expect_no_misuse(host);
}

void runs_do_not_disturb_each_other(Instance& step) {
    constexpr int kThreads = 4;
    std::vector<PublishHost> hosts, alone;
    for (int i = 0; i < kThreads; ++i) {
        hosts.push_back(standard_version(std::to_string(i)));
        alone.push_back(standard_version(std::to_string(i)));
        run_or_skip(alone.back(), step);
    }
    if ((step.component().flags & IMGSRV_COMPONENT_SERIALIZED) != 0) throw NotOffered("the component is serialized");
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    std::vector<imgsrv_code> codes(kThreads, IMGSRV_INTERNAL);
    for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] {
            Call call;
            codes[i] = hosts[i].run(step, call).code;
        });
    }
    for (std::thread& t : threads) t.join();
    for (int i = 0; i < kThreads; ++i) {
        IMGSRV_EXPECT(codes[i] == IMGSRV_OK);
        IMGSRV_EXPECT(hosts[i].rows() == alone[i].rows());
        expect_no_misuse(hosts[i]);
    }
}

void a_refusal_says_why(Instance& step) {
    PublishHost host("conformance", "empty");
    Call call;
    const Outcome outcome = host.run(step, call);
    if (outcome.code == IMGSRV_OK) throw NotOffered("the step accepts a version without artifacts");
    expect_code(__FILE__, __LINE__, "run", outcome.code, IMGSRV_FAILED_PRECONDITION, outcome.error);
    IMGSRV_EXPECT((outcome.error.flags & IMGSRV_ERR_RETRYABLE) == 0);
}

void a_cancelled_call_is_left(Instance& step) {
    PublishHost host = standard_version();
    Call call;
    call.cancel();
    const Outcome outcome = host.run(step, call);
    expect_code(__FILE__, __LINE__, "run", outcome.code, IMGSRV_CANCELLED, outcome.error);
    expect_no_misuse(host);
}

void a_spent_call_is_left(Instance& step) {
    PublishHost host = standard_version();
    Call call;
    call.limit(std::chrono::seconds(-1));
    const Outcome outcome = host.run(step, call);
    expect_code(__FILE__, __LINE__, "run", outcome.code, IMGSRV_DEADLINE, outcome.error);
    expect_no_misuse(host);
}

void a_cancelled_rendering_is_left(Instance& step) {
    need_documents(step);
    const PublishedView view = two_versions(step);
    Call call;
    call.cancel();
    for (const std::string& path : documents(step)) {
        std::string document;
        const Outcome outcome = view.render(step, call, path, document);
        expect_code(__FILE__, __LINE__, "render", outcome.code, IMGSRV_CANCELLED, outcome.error);
    }
}

void cancellation_takes_effect_while_reading(Instance& step) {
    PublishHost host = standard_version();
    run_or_skip(host, step);
    if (host.bytes_read() < kLargeBlob) throw NotOffered("the step reads little");
    constexpr std::uint64_t kCancelAt = 1'000'000, kSlack = 4 * 1024 * 1024;
    Call call;
    host.cancel_after(kCancelAt, call);
    const Outcome outcome = host.run(step, call);
    expect_code(__FILE__, __LINE__, "run", outcome.code, IMGSRV_CANCELLED, outcome.error);
    IMGSRV_EXPECT(host.bytes_read() <= kCancelAt + kSlack);
    expect_no_misuse(host);
}

void readers_errors_are_passed_on(Instance& step) {
    PublishHost host = standard_version();
    run_or_skip(host, step);
    if (host.bytes_read() == 0) throw NotOffered("the step reads no blob");
    for (const Artifact& artifact : host.artifacts()) {
        host.fail_read(artifact.digest, 0, IMGSRV_UNAVAILABLE);
        for (const Attachment& a : artifact.attachments) host.fail_read(a.digest, 0, IMGSRV_UNAVAILABLE);
    }
    Call call;
    const Outcome outcome = host.run(step, call);
    expect_code(__FILE__, __LINE__, "run", outcome.code, IMGSRV_UNAVAILABLE, outcome.error);
    IMGSRV_EXPECT((outcome.error.flags & IMGSRV_ERR_RETRYABLE) != 0);
    expect_no_misuse(host);
}

void progress_and_readers_are_in_order(Instance& step) {
    PublishHost host = standard_version();
    run_or_skip(host, step);
    expect_no_misuse(host);
}

void only_a_finalizer_publishes(Instance& step) {
    PublishHost host = standard_version();
    run_or_skip(host, step);
    if (finalizer(step)) {
        IMGSRV_EXPECT(host.times_published() > 0);
    } else {
        IMGSRV_EXPECT(host.times_published() == 0);
    }
    expect_no_misuse(host);
}

void rows_have_a_schema(Instance& step) {
    PublishHost host = standard_version();
    run_or_skip(host, step);
    if (host.rows().empty()) throw NotOffered("the step puts no rows");
    IMGSRV_EXPECT(step_table(step).row_schema > 0);
}

void document_paths_are_plain(Instance& step) {
    need_documents(step);
    std::vector<std::string> paths = documents(step);
    for (const std::string& path : paths) {
        IMGSRV_EXPECT(path.size() > 1 && path.front() == '/' && path.back() != '/');
        IMGSRV_EXPECT(path.find("//") == std::string::npos && (path + "/").find("/./") == std::string::npos &&
                      (path + "/").find("/../") == std::string::npos);
        const auto plain = [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   std::strchr("/._~-", c) != nullptr;
        };
        IMGSRV_EXPECT(std::all_of(path.begin(), path.end(), plain));
    }
    for (const auto* const* d = step_table(step).documents; *d != nullptr; ++d) {
        IMGSRV_EXPECT((*d)->struct_size >= sizeof(imgsrv_document));
        IMGSRV_EXPECT((*d)->content_type != nullptr && std::strchr((*d)->content_type, '/') != nullptr);
    }
    std::sort(paths.begin(), paths.end());
    IMGSRV_EXPECT(std::adjacent_find(paths.begin(), paths.end()) == paths.end());
}

void equal_views_give_equal_bytes(Instance& step) {
    need_documents(step);
    const PublishedView view = two_versions(step);
    for (const std::string& path : documents(step)) {
        const std::string once = render(step, view, path);
        IMGSRV_EXPECT(render(step, view, path) == once);
        if ((step.component().flags & IMGSRV_COMPONENT_SERIALIZED) != 0) continue;
        std::vector<std::string> seen(4);
        std::vector<std::thread> threads;
        threads.reserve(seen.size());
        for (std::string& document : seen) {
            threads.emplace_back([&] {
                Call call;
                if (view.render(step, call, path, document).code != IMGSRV_OK) document = "failed";
            });
        }
        for (std::thread& t : threads) t.join();
        for (const std::string& document : seen) IMGSRV_EXPECT(document == once);
        step.restart();
        IMGSRV_EXPECT(render(step, view, path) == once);
    }
}

void nothing_published_is_a_document_too(Instance& step) {
    need_documents(step);
    for (const std::string& path : documents(step)) IMGSRV_EXPECT(!render(step, PublishedView(), path).empty());
}

void an_unknown_path_is_not_found(Instance& step) {
    need_documents(step);
    Call call;
    std::string document;
    const Outcome outcome = PublishedView().render(step, call, documents(step).front() + "x", document);
    expect_code(__FILE__, __LINE__, "render", outcome.code, IMGSRV_NOT_FOUND, outcome.error);
    IMGSRV_EXPECT(document.empty());
}

void errors_end_rendering(Instance& step) {
    need_documents(step);
    for (const std::string& path : documents(step)) {
        PublishedView view = two_versions(step);
        Call call;
        std::string document;
        view.limit_output(10);
        Outcome outcome = view.render(step, call, path, document);
        expect_code(__FILE__, __LINE__, "render into a failing sink", outcome.code, IMGSRV_ABORTED, outcome.error);
        view.fail_row(1, IMGSRV_UNAVAILABLE);
        outcome = view.render(step, call, path, document);
        expect_code(__FILE__, __LINE__, "render of a failing view", outcome.code, IMGSRV_UNAVAILABLE, outcome.error);
    }
}

}  // namespace

Suite publish_step_checks() {
    return {
        {"P1", "the table has run(), and render() exactly when there are documents", table_is_whole},
        {"P2", "equal manifests and blobs give equal rows, whatever the attempt", equal_input_gives_equal_rows},
        {"P3", "runs over several versions at once do not disturb each other", runs_do_not_disturb_each_other},
        {"P4", "every reader is closed once, before run() returns", progress_and_readers_are_in_order},
        {"P5", "a refusal is FAILED_PRECONDITION and says why", a_refusal_says_why},
        {"P6", "progress never goes back or past its total", progress_and_readers_are_in_order},
        {"P7", "only a finalizer asks for the published state", only_a_finalizer_publishes},
        {"P8", "a cancelled call is left at once", a_cancelled_call_is_left},
        {"P8", "a call past its deadline is left at once", a_spent_call_is_left},
        {"P8", "a cancelled rendering is left", a_cancelled_rendering_is_left},
        {"P8", "cancellation takes effect between blocks", cancellation_takes_effect_while_reading},
        {"P9", "errors of readers are passed on with code and flags", readers_errors_are_passed_on},
        {"P10", "rows have a schema number", rows_have_a_schema},
        {"P11", "document paths are plain and differ", document_paths_are_plain},
        {"P12", "equal views give equal bytes, also from several threads", equal_views_give_equal_bytes},
        {"P13", "a catalogue without versions renders too", nothing_published_is_a_document_too},
        {"P14", "a path that is not a document is NOT_FOUND", an_unknown_path_is_not_found},
        {"P15", "errors of the view and of the sink end rendering", errors_end_rendering},
    };
}

}  // namespace imgsrv::conformance
