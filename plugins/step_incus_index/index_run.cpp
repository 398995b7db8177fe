#include "index_run.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "architecture.h"
#include "fingerprint.h"
#include "image_row.h"
#include "unified_archive.h"

namespace imgsrv_incus {
namespace {

namespace sdk = imgsrv::sdk;

// One artifact that becomes a row, before its bytes are read. `incus` and `lxd` are the same file when the artifact
// carries only one of them: each client lists metadata under its own file type and knows no other.
struct Work {
    const imgsrv_artifact* artifact;
    std::string_view arch;
    Format format;
    File root;
    std::optional<File> incus, lxd;

    bool unified() const { return format == Format::unified_tar_gz; }
    std::vector<File> distinct_metadata() const {
        if (unified()) return {};
        if (*incus == *lxd) return {*incus};
        return {*incus, *lxd};
    }
    std::uint64_t bytes_to_read() const {
        if (unified()) return 0;  // only the head of the archive, which is not worth counting
        std::uint64_t bytes = root.size;
        for (const File& file : distinct_metadata()) bytes += file.size;
        return bytes;
    }
};

File file(imgsrv_str digest, std::uint64_t size) {
    constexpr std::string_view kPrefix = "sha256:";
    const std::string_view text = sdk::view(digest);
    if (!text.starts_with(kPrefix))
        throw sdk::Failure(IMGSRV_FAILED_PRECONDITION, "digest " + std::string(text) + " is not a SHA-256 digest");
    return {std::string(text.substr(kPrefix.size())), size};
}

std::optional<File> attached(const imgsrv_artifact& artifact, std::string_view name) {
    for (const imgsrv_attachment& attachment : sdk::attachments(artifact))
        if (sdk::view(attachment.name) == name) return file(attachment.digest, attachment.size);
    return std::nullopt;
}

std::string variant_of(const imgsrv_artifact& artifact) {
    return artifact.variant.len == 0 ? "default" : std::string(sdk::view(artifact.variant));
}

std::string name_of(const imgsrv_artifact& artifact) {
    std::string name("artifact ");
    name.append(sdk::view(artifact.os)).append("/").append(sdk::view(artifact.architecture)).append("/");
    return name.append(variant_of(artifact)).append(" ").append(sdk::view(artifact.format));
}

// Nothing for an artifact that no client could use.
std::optional<Work> plan(const imgsrv_artifact& artifact, const sdk::Call& call, const sdk::Log& log) {
    const auto format = parse_format(sdk::view(artifact.format));
    if (!format) return std::nullopt;
    Work work{&artifact,    stream_architecture(sdk::view(artifact.architecture)),
              *format,      file(artifact.digest, artifact.size),
              std::nullopt, std::nullopt};
    if (!work.unified()) {
        work.incus = attached(artifact, "incus.tar.xz");
        work.lxd = attached(artifact, "lxd.tar.xz");
        if (!work.incus && !work.lxd) return std::nullopt;
        if (!work.incus) work.incus = work.lxd;
        if (!work.lxd) work.lxd = work.incus;
    }
    if (work.arch.empty()) {
        log.warn(call, "image not listed in Simple Streams: its clients do not know the architecture",
                 {{"architecture", sdk::view(artifact.architecture)}, {"artifact", sdk::view(artifact.id)}});
        return std::nullopt;
    }
    return work;
}

Kind kind_of(const Work& work, const sdk::Call& call, sdk::StepRun& run) {
    if (!work.unified()) return work.format == Format::qcow2 ? Kind::virtual_machine : Kind::container;
    try {
        sdk::OwnedReader archive = run.open_blob(call, sdk::view(work.artifact->digest));
        return unified_kind(call, archive);
    } catch (sdk::Failure& failure) {
        if (failure.code == IMGSRV_FAILED_PRECONDITION)
            failure.message = name_of(*work.artifact) + " " + failure.message;
        throw;
    }
}

}  // namespace

void index_version(const sdk::Call& call, sdk::StepRun& run, const sdk::Log& log) {
    std::vector<Work> works;
    std::uint64_t total = 0;
    for (const imgsrv_artifact& artifact : run.artifacts()) {
        if (auto work = plan(artifact, call, log)) {
            total += work->bytes_to_read();
            works.push_back(std::move(*work));
        }
    }

    Progress progress(run, total);
    for (const Work& work : works) {
        call.throw_if_cancelled();
        ImageRow row{std::string(work.arch),
                     std::string(sdk::view(work.artifact->os)),
                     variant_of(*work.artifact),
                     work.format,
                     kind_of(work, call, run),
                     work.root,
                     std::nullopt,
                     std::nullopt};
        if (!work.unified()) {
            const auto fingerprints = combined_fingerprints(call, run, work.distinct_metadata(), work.root, progress);
            row.incus = Metadata{*work.incus, fingerprints.front()};
            row.lxd = Metadata{*work.lxd, fingerprints.back()};
        }
        run.put_row(sdk::view(work.artifact->id), to_json(row));
    }
}

}  // namespace imgsrv_incus
