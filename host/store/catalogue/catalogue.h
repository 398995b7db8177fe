#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/catalogue.h"
#include "domain/page.h"
#include "store/transaction.h"

namespace imgsrv::store::catalogue {

// Every function runs inside the caller's transaction. find_* answer not_found and name the thing; insert_* answer
// already_exists and name it.

// Goes up with every change an anonymous reader can see.
Result<std::int64_t> generation(Transaction& tx);
Status bump_generation(Transaction& tx);

Status insert_image(Transaction& tx, const domain::Image& image);
Result<domain::Image> find_image(Transaction& tx, std::string_view name);
Result<bool> has_published_version(Transaction& tx, std::string_view image_id);
// Images with a published version, by name.
Result<domain::Page<domain::Image>> published_images(Transaction& tx, const domain::PageRequest& page);

Status insert_version(Transaction& tx, std::string_view image, const domain::Version& version);
Result<domain::Version> find_version(Transaction& tx, const domain::Image& image, std::string_view version);
// The version that the alias points at; none when there is no such alias.
Result<std::optional<domain::Version>> version_of_alias(Transaction& tx, const domain::Image& image,
                                                        std::string_view alias);
// Published versions in order of their creation.
Result<domain::Page<domain::Version>> published_versions(Transaction& tx, const domain::Image& image,
                                                         const domain::PageRequest& page);
// False when the version was not in `from`.
Result<bool> set_version_state(Transaction& tx, std::string_view version_id, domain::VersionState from,
                               domain::VersionState to, Time now);
Result<bool> is_published(Transaction& tx, std::string_view version_id);
// A draft with everything it holds.
Status delete_draft(Transaction& tx, std::string_view version_id);

Status insert_artifact(Transaction& tx, const domain::Artifact& artifact);
Result<domain::Artifact> find_artifact(Transaction& tx, std::string_view version_id, std::string_view artifact_id);
// In order of creation; with attachments.
Result<std::vector<domain::Artifact>> artifacts(Transaction& tx, std::string_view version_id);
Status delete_artifact(Transaction& tx, std::string_view artifact_id);

Status insert_attachment(Transaction& tx, const domain::Attachment& attachment);
Result<domain::Attachment> find_attachment(Transaction& tx, std::string_view artifact_id, std::string_view id);
Status delete_attachment(Transaction& tx, std::string_view id);

Result<domain::Page<domain::Alias>> aliases(Transaction& tx, const domain::Image& image,
                                            const domain::PageRequest& page);
Result<domain::Alias> find_alias(Transaction& tx, const domain::Image& image, std::string_view alias);
// Creates or moves it. True when it was created.
Result<bool> put_alias(Transaction& tx, const domain::Alias& alias);
Status delete_alias(Transaction& tx, std::string_view alias_id);

}  // namespace imgsrv::store::catalogue
