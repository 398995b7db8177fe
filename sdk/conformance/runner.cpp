#include "conformance/runner.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <iomanip>
#include <ostream>

namespace imgsrv::conformance {

std::string_view kind_name(std::int32_t kind) {
    switch (kind) {
        case IMGSRV_KIND_OBJECT_STORE:
            return "object_store";
        case IMGSRV_KIND_DATABASE:
            return "database";
        case IMGSRV_KIND_AUTH:
            return "auth";
        case IMGSRV_KIND_PUBLISH_STEP:
            return "publish_step";
        default:
            return "unknown";
    }
}

std::string_view code_name(imgsrv_code code) {
    static constexpr std::array<std::string_view, 17> kNames = {"OK",
                                                                "CANCELLED",
                                                                "2",
                                                                "INVALID_ARGUMENT",
                                                                "DEADLINE",
                                                                "NOT_FOUND",
                                                                "ALREADY_EXISTS",
                                                                "PERMISSION_DENIED",
                                                                "RESOURCE_EXHAUSTED",
                                                                "FAILED_PRECONDITION",
                                                                "ABORTED",
                                                                "OUT_OF_RANGE",
                                                                "UNIMPLEMENTED",
                                                                "INTERNAL",
                                                                "UNAVAILABLE",
                                                                "DATA_LOSS",
                                                                "UNAUTHENTICATED"};
    return code >= 0 && static_cast<size_t>(code) < kNames.size() ? kNames[static_cast<size_t>(code)] : "unknown code";
}

Summary run(const Suite& suite, Instance& instance, std::string_view filter, std::ostream& out) {
    Summary summary;
    for (const auto& check : suite) {
        if (std::string_view(check.name).find(filter) == std::string_view::npos && filter != check.rule) continue;
        const char* outcome = "pass";
        std::string why;
        try {
            check.run(instance);
            ++summary.passed;
        } catch (const NotOffered& e) {
            outcome = "n/a ";
            why = e.what();
            ++summary.not_offered;
        } catch (const std::exception& e) {
            outcome = "FAIL";
            why = e.what();
            ++summary.failed;
        }
        out << outcome << "  " << std::left << std::setw(5) << check.rule << check.name << '\n';
        if (!why.empty()) out << "             " << why << '\n';
        out.flush();
    }
    return summary;
}

Call::Call() : event_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (event_fd_ < 0) throw std::runtime_error("cannot make an eventfd");
    call_.struct_size = sizeof call_;
    call_.request_id = {"conformance", std::strlen("conformance")};
    call_.ctx = this;
    call_.cancelled = [](const imgsrv_call* call) noexcept -> std::int32_t {
        return static_cast<const Call*>(call->ctx)->cancelled_.load() ? 1 : 0;
    };
    call_.cancel_fd = [](const imgsrv_call* call) noexcept { return static_cast<const Call*>(call->ctx)->event_fd_; };
}

Call::~Call() {
    ::close(event_fd_);
}

void Call::cancel() {
    cancelled_.store(true);
    const std::uint64_t one = 1;
    if (::write(event_fd_, &one, sizeof one) != sizeof one) throw std::runtime_error("cannot cancel a call");
}

void Call::limit(std::chrono::nanoseconds from_now) {
    call_.deadline_ns = (std::chrono::steady_clock::now().time_since_epoch() + from_now).count();
}

void fail(const char* file, int line, const std::string& what) {
    const char* slash = std::strrchr(file, '/');
    throw Failure(std::string(slash == nullptr ? file : slash + 1) + ":" + std::to_string(line) + ": " + what);
}

void expect_code(const char* file, int line, const char* call, imgsrv_code code, imgsrv_code wanted,
                 const imgsrv_error& error) {
    if (code != wanted) {
        fail(file, line,
             std::string(call) + " gave " + std::string(code_name(code)) + ", not " + std::string(code_name(wanted)) +
                 (error.message[0] != '\0' ? std::string(": ") + error.message : std::string()));
    }
    if (code != IMGSRV_OK && error.message[0] == '\0') {
        fail(file, line, std::string(call) + " gave " + std::string(code_name(code)) + " without a message");
    }
}

}  // namespace imgsrv::conformance
