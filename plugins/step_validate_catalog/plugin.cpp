// The publish step `validate_catalog`: refuses a version that could not be served as its manifest says. The refusal is
// FAILED_PRECONDITION with a message that says what to fix; upload what is missing and retry the job, or abandon it and
// correct the draft.
#include <algorithm>
#include <array>
#include <cstdint>
#include <imgsrv/imgsrv.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "magic.h"
#include "refusal.h"

namespace {

namespace sdk = imgsrv::sdk;
namespace validate = imgsrv_validate;

// What an imgsrv_error carries, without its NUL.
constexpr std::size_t kMessageLimit = sizeof(imgsrv_error::message) - 1;

[[noreturn]] void refuse(const std::string& message) {
    throw sdk::Failure(IMGSRV_FAILED_PRECONDITION, message);
}

std::string text(imgsrv_str s) {
    return std::string(sdk::view(s));
}

// "linux/x86_64/default qcow2"
std::string name_of(const imgsrv_artifact& a) {
    return text(a.os) + "/" + text(a.architecture) + "/" + text(a.variant) + " " + text(a.format);
}

// One use of a blob in the manifest.
struct Use {
    std::string digest;
    std::uint64_t size;
    std::string name;
};

std::vector<Use> uses_of(const sdk::StepRun& run) {
    std::vector<Use> uses;
    for (const imgsrv_artifact& artifact : run.artifacts()) {
        uses.push_back({text(artifact.digest), artifact.size, name_of(artifact)});
        for (const imgsrv_attachment& attachment : sdk::attachments(artifact)) {
            uses.push_back(
                {text(attachment.digest), attachment.size, text(attachment.name) + " of " + name_of(artifact)});
        }
    }
    return uses;
}

std::string count_of(std::size_t n, std::string_view thing) {
    return std::to_string(n) + " " + std::string(thing) + (n == 1 ? "" : "s");
}

class ValidateCatalog {
  public:
    explicit ValidateCatalog(const sdk::Setup&) {}

    void run(const sdk::Call& call, sdk::StepRun& run) const {
        const std::vector<Use> uses = uses_of(run);
        if (uses.empty()) refuse(text_of_version(run) + " has no artifacts: add at least one before publishing it");
        check_attachment_names(run);
        check_blobs(call, run, uses);
        for (const imgsrv_artifact& artifact : run.artifacts()) check_format(call, run, artifact);
    }

  private:
    static std::string text_of_version(const sdk::StepRun& run) {
        return "version " + std::string(run.version()) + " of " + std::string(run.image());
    }

    static void check_attachment_names(const sdk::StepRun& run) {
        for (const imgsrv_artifact& artifact : run.artifacts()) {
            std::vector<std::string_view> names;
            for (const imgsrv_attachment& a : sdk::attachments(artifact)) names.push_back(sdk::view(a.name));
            std::ranges::sort(names);
            if (const auto twice = std::ranges::adjacent_find(names); twice != names.end()) {
                refuse("artifact " + name_of(artifact) + " has two attachments named " + std::string(*twice) +
                       ": names are unique within an artifact");
            }
        }
    }

    // Every blob must be there, verified, in the declared size.
    static void check_blobs(const sdk::Call& call, sdk::StepRun& run, const std::vector<Use>& uses) {
        std::vector<std::string> missing, wrong_size;
        std::uint64_t done = 0;
        for (const Use& use : uses) {
            call.throw_if_cancelled();
            const auto size = run.blob_size(call, use.digest);
            if (!size) {
                missing.push_back(use.digest + " (" + use.name + ")");
            } else if (*size != use.size) {
                wrong_size.push_back(use.name + ": " + use.digest + " has " + std::to_string(*size) +
                                     " bytes, declared are " + std::to_string(use.size));
            }
            run.progress(++done, uses.size());
        }
        if (!missing.empty()) {
            refuse(validate::list_message(count_of(missing.size(), "blob") + " not uploaded (or not verified yet)",
                                          missing, kMessageLimit));
        }
        if (!wrong_size.empty()) {
            refuse(validate::list_message(count_of(wrong_size.size(), "blob") + " of another size than declared",
                                          wrong_size, kMessageLimit));
        }
    }

    // The first bytes tell a disk from a tree from a tarball: enough to stop a mix-up before a client downloads it.
    static void check_format(const sdk::Call& call, sdk::StepRun& run, const imgsrv_artifact& artifact) {
        const validate::Magic* magic = validate::magic_of(sdk::view(artifact.format));
        if (!magic) return;
        call.throw_if_cancelled();
        std::array<std::byte, validate::kMagicBytes> head{};
        sdk::OwnedReader reader =
            run.open_blob(call, sdk::view(artifact.digest), 0, std::min<std::uint64_t>(head.size(), artifact.size));
        const std::size_t n = reader.read_full(head);
        const std::string_view bytes(reinterpret_cast<const char*>(head.data()), n);
        if (bytes.starts_with(magic->bytes)) return;
        const std::string_view is = validate::recognise(bytes);
        refuse("artifact " + name_of(artifact) + " is not " + std::string(magic->name) +
               (is.empty() ? "" : " but " + std::string(is)) + ": its first bytes do not fit the declared format");
    }
};

}  // namespace

IMGSRV_PLUGIN("org.imgsrv.step.validate_catalog", "1.0.0", "imgsrv", "Apache-2.0",
              sdk::publish_step<ValidateCatalog>("validate_catalog", sdk::kNoOptions));
