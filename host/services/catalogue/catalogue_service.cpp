#include "services/catalogue/catalogue_service.h"

#include "core/uuid.h"
#include "domain/digest.h"
#include "domain/names.h"
#include "store/catalogue/catalogue.h"

namespace imgsrv::services {
namespace {

using store::Transaction;

Result<domain::Image> visible_image(Transaction& tx, View view, std::string_view name) {
    IMGSRV_ASSIGN(auto image, store::catalogue::find_image(tx, name));
    if (view == View::all) return image;
    IMGSRV_ASSIGN(const bool published, store::catalogue::has_published_version(tx, image.id));
    if (!published) return Status(Code::not_found, "there is no image '" + std::string(name) + "'");
    return image;
}

struct ImageVersion {
    domain::Image image;
    domain::Version version;
};

Result<ImageVersion> visible_version(Transaction& tx, View view, std::string_view image, std::string_view version) {
    ImageVersion out;
    IMGSRV_ASSIGN(out.image, visible_image(tx, view, image));
    IMGSRV_ASSIGN(out.version, store::catalogue::find_version(tx, out.image, version));
    if (view == View::published && out.version.state != domain::VersionState::published)
        return Status(Code::not_found,
                      "there is no version '" + std::string(version) + "' of image '" + std::string(image) + "'");
    return out;
}

Result<domain::Manifest> read_manifest(Transaction& tx, ImageVersion found) {
    domain::Manifest manifest;
    manifest.image = std::move(found.image);
    manifest.version = std::move(found.version);
    IMGSRV_ASSIGN(manifest.artifacts, store::catalogue::artifacts(tx, manifest.version.id));
    return manifest;
}

Result<std::uint64_t> check_size(std::string_view member, std::int64_t size) {
    if (size < 0)
        return Status(Code::invalid_argument,
                      std::string(member) + " must not be negative, it is " + std::to_string(size));
    return static_cast<std::uint64_t>(size);
}

}  // namespace

template <class Edit>
auto CatalogueService::edit(const ports::Call& call, std::string_view image, std::string_view version, Edit&& body) {
    using Out = std::invoke_result_t<Edit&, Transaction&, ImageVersion&, Time>;
    return pool_.write(call, [&](Transaction& tx) -> Out {
        IMGSRV_ASSIGN(auto found, visible_version(tx, View::all, image, version));
        IMGSRV_TRY(domain::check_editable(image, found.version));
        IMGSRV_ASSIGN(const Time now, tx.now());
        return body(tx, found, now);
    });
}

Result<domain::Page<domain::Image>> CatalogueService::images(const ports::Call& call, const domain::PageRequest& page) {
    return pool_.read(call, [&](Transaction& tx) { return store::catalogue::published_images(tx, page); });
}

Result<domain::Image> CatalogueService::image(const ports::Call& call, View view, std::string_view name) {
    return pool_.read(call, [&](Transaction& tx) { return visible_image(tx, view, name); });
}

Result<domain::Image> CatalogueService::create_image(const ports::Call& call, const NewImage& request) {
    IMGSRV_TRY(domain::check_image_name(request.name));
    if (request.display_name) IMGSRV_TRY(domain::check_text("display_name", *request.display_name, 256));
    if (request.description) IMGSRV_TRY(domain::check_text("description", *request.description, 4096));
    domain::Image image{new_uuid(), request.name, request.display_name, request.description, Time(), Time()};
    IMGSRV_TRY(pool_.write(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(image.created, tx.now());
        image.updated = image.created;
        return store::catalogue::insert_image(tx, image);
    }));
    return image;
}

Result<domain::Page<domain::Version>> CatalogueService::versions(const ports::Call& call, View view,
                                                                 std::string_view image,
                                                                 const domain::PageRequest& page) {
    return pool_.read(call, [&](Transaction& tx) -> Result<domain::Page<domain::Version>> {
        IMGSRV_ASSIGN(const auto found, visible_image(tx, view, image));
        return store::catalogue::published_versions(tx, found, page);
    });
}

Result<domain::Version> CatalogueService::create_draft(const ports::Call& call, std::string_view image,
                                                       std::string_view version) {
    IMGSRV_TRY(domain::check_version_name(version));
    return pool_.write(call, [&](Transaction& tx) -> Result<domain::Version> {
        IMGSRV_ASSIGN(const auto parent, store::catalogue::find_image(tx, image));
        IMGSRV_ASSIGN(const Time now, tx.now());
        domain::Version draft{new_uuid(), parent.id, std::string(version), domain::VersionState::draft, std::nullopt,
                              now,        now};
        IMGSRV_TRY(store::catalogue::insert_version(tx, image, draft));
        return draft;
    });
}

Status CatalogueService::delete_draft(const ports::Call& call, std::string_view image, std::string_view version) {
    return edit(call, image, version, [&](Transaction& tx, ImageVersion& found, Time) -> Status {
        return store::catalogue::delete_draft(tx, found.version.id);
    });
}

Result<domain::Manifest> CatalogueService::manifest(const ports::Call& call, View view, std::string_view image,
                                                    std::string_view version) {
    return pool_.read(call, [&](Transaction& tx) -> Result<domain::Manifest> {
        IMGSRV_ASSIGN(auto found, visible_version(tx, view, image, version));
        return read_manifest(tx, std::move(found));
    });
}

Result<domain::Manifest> CatalogueService::resolve(const ports::Call& call, std::string_view image,
                                                   std::string_view ref) {
    return pool_.read(call, [&](Transaction& tx) -> Result<domain::Manifest> {
        auto exact = visible_version(tx, View::published, image, ref);
        if (exact.ok()) return read_manifest(tx, std::move(exact).value());
        if (exact.status().code() != Code::not_found) return std::move(exact).status();
        IMGSRV_ASSIGN(auto parent, visible_image(tx, View::published, image));
        IMGSRV_ASSIGN(auto version, store::catalogue::version_of_alias(tx, parent, ref));
        if (!version)
            return Status(Code::not_found, "image '" + std::string(image) +
                                               "' has no published version and no alias '" +
                                               std::string(ref.substr(0, 128)) + "'");
        return read_manifest(tx, {std::move(parent), std::move(*version)});
    });
}

Result<domain::Artifact> CatalogueService::artifact(const ports::Call& call, View view, std::string_view image,
                                                    std::string_view version, std::string_view artifact_id) {
    return pool_.read(call, [&](Transaction& tx) -> Result<domain::Artifact> {
        IMGSRV_ASSIGN(const auto found, visible_version(tx, view, image, version));
        return store::catalogue::find_artifact(tx, found.version.id, artifact_id);
    });
}

Result<domain::Artifact> CatalogueService::add_artifact(const ports::Call& call, std::string_view image,
                                                        std::string_view version, const NewArtifact& request) {
    domain::Artifact artifact;
    artifact.id = new_uuid();
    artifact.operating_system = request.operating_system;
    artifact.architecture = request.architecture;
    artifact.variant = request.variant.value_or("default");
    artifact.format = request.format;
    artifact.media_type = request.primary_media_type;
    IMGSRV_TRY(domain::check_token("operating_system", artifact.operating_system));
    IMGSRV_TRY(domain::check_token("architecture", artifact.architecture));
    IMGSRV_TRY(domain::check_token("variant", artifact.variant));
    IMGSRV_TRY(domain::check_format(artifact.format));
    IMGSRV_TRY(domain::check_media_type("primary_media_type", artifact.media_type));
    IMGSRV_ASSIGN(const auto digest, domain::Digest::parse("primary_blob_digest", request.primary_blob_digest));
    artifact.blob_digest = digest.text();
    IMGSRV_ASSIGN(artifact.blob_size, check_size("primary_blob_size_bytes", request.primary_blob_size));
    IMGSRV_TRY(edit(call, image, version, [&](Transaction& tx, ImageVersion& found, Time now) -> Status {
        artifact.version_id = found.version.id;
        artifact.created = now;
        return store::catalogue::insert_artifact(tx, artifact);
    }));
    return artifact;
}

Status CatalogueService::delete_artifact(const ports::Call& call, std::string_view image, std::string_view version,
                                         std::string_view artifact_id) {
    return edit(call, image, version, [&](Transaction& tx, ImageVersion& found, Time) -> Status {
        IMGSRV_TRY(store::catalogue::find_artifact(tx, found.version.id, artifact_id).status());
        return store::catalogue::delete_artifact(tx, artifact_id);
    });
}

Result<domain::Attachment> CatalogueService::attachment(const ports::Call& call, View view, std::string_view image,
                                                        std::string_view version, std::string_view artifact_id,
                                                        std::string_view attachment_id) {
    return pool_.read(call, [&](Transaction& tx) -> Result<domain::Attachment> {
        IMGSRV_ASSIGN(const auto found, visible_version(tx, view, image, version));
        IMGSRV_TRY(store::catalogue::find_artifact(tx, found.version.id, artifact_id).status());
        return store::catalogue::find_attachment(tx, artifact_id, attachment_id);
    });
}

Result<domain::Attachment> CatalogueService::add_attachment(const ports::Call& call, std::string_view image,
                                                            std::string_view version, std::string_view artifact_id,
                                                            const NewAttachment& request) {
    IMGSRV_TRY(domain::check_token("name", request.name));
    IMGSRV_TRY(domain::check_media_type("media_type", request.media_type));
    IMGSRV_ASSIGN(const auto digest, domain::Digest::parse("blob_digest", request.blob_digest));
    IMGSRV_ASSIGN(const std::uint64_t size, check_size("blob_size_bytes", request.blob_size));
    domain::Attachment attachment{
        new_uuid(), std::string(artifact_id), request.name, request.media_type, digest.text(), size, Time()};
    IMGSRV_TRY(edit(call, image, version, [&](Transaction& tx, ImageVersion& found, Time now) -> Status {
        IMGSRV_TRY(store::catalogue::find_artifact(tx, found.version.id, artifact_id).status());
        attachment.created = now;
        return store::catalogue::insert_attachment(tx, attachment);
    }));
    return attachment;
}

Status CatalogueService::delete_attachment(const ports::Call& call, std::string_view image, std::string_view version,
                                           std::string_view artifact_id, std::string_view attachment_id) {
    return edit(call, image, version, [&](Transaction& tx, ImageVersion& found, Time) -> Status {
        IMGSRV_TRY(store::catalogue::find_artifact(tx, found.version.id, artifact_id).status());
        IMGSRV_TRY(store::catalogue::find_attachment(tx, artifact_id, attachment_id).status());
        return store::catalogue::delete_attachment(tx, attachment_id);
    });
}

Result<domain::Page<domain::Alias>> CatalogueService::aliases(const ports::Call& call, View view,
                                                              std::string_view image, const domain::PageRequest& page) {
    return pool_.read(call, [&](Transaction& tx) -> Result<domain::Page<domain::Alias>> {
        IMGSRV_ASSIGN(const auto found, visible_image(tx, view, image));
        return store::catalogue::aliases(tx, found, page);
    });
}

Result<domain::Alias> CatalogueService::alias(const ports::Call& call, View view, std::string_view image,
                                              std::string_view alias) {
    return pool_.read(call, [&](Transaction& tx) -> Result<domain::Alias> {
        IMGSRV_ASSIGN(const auto found, visible_image(tx, view, image));
        return store::catalogue::find_alias(tx, found, alias);
    });
}

Result<CatalogueService::PutAlias> CatalogueService::put_alias(const ports::Call& call, std::string_view image,
                                                               std::string_view alias, std::string_view version) {
    IMGSRV_TRY(domain::check_alias_name(alias));
    IMGSRV_TRY(domain::check_version_name(version));
    std::int64_t generation = 0;
    auto put = pool_.write(call, [&](Transaction& tx) -> Result<PutAlias> {
        IMGSRV_ASSIGN(const auto target, visible_version(tx, View::all, image, version));
        if (target.version.state != domain::VersionState::published)
            return Status(Code::failed_precondition, "version " + std::string(image) + " " + target.version.version +
                                                         " is " + std::string(domain::to_string(target.version.state)) +
                                                         "; an alias can only point at a published version");
        IMGSRV_ASSIGN(const Time now, tx.now());
        PutAlias out;
        IMGSRV_ASSIGN(out.created,
                      store::catalogue::put_alias(tx, {new_uuid(), target.image.id, std::string(alias),
                                                       target.version.id, target.version.version, now, now}));
        IMGSRV_ASSIGN(out.alias, store::catalogue::find_alias(tx, target.image, alias));
        IMGSRV_TRY(store::catalogue::bump_generation(tx));
        IMGSRV_ASSIGN(generation, store::catalogue::generation(tx));
        return out;
    });
    if (put.ok()) clock_.advance_to(generation);
    return put;
}

Status CatalogueService::delete_alias(const ports::Call& call, std::string_view image, std::string_view alias) {
    std::int64_t generation = 0;
    IMGSRV_TRY(pool_.write(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const auto parent, store::catalogue::find_image(tx, image));
        IMGSRV_ASSIGN(const auto found, store::catalogue::find_alias(tx, parent, alias));
        IMGSRV_TRY(store::catalogue::delete_alias(tx, found.id));
        IMGSRV_TRY(store::catalogue::bump_generation(tx));
        IMGSRV_ASSIGN(generation, store::catalogue::generation(tx));
        return {};
    }));
    clock_.advance_to(generation);
    return {};
}

Status CatalogueService::refresh_generation(const ports::Call& call) {
    IMGSRV_ASSIGN(const auto now, pool_.read(call, [&](Transaction& tx) { return store::catalogue::generation(tx); }));
    clock_.advance_to(now);
    return {};
}

}  // namespace imgsrv::services
