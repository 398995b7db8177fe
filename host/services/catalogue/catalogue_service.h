#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/catalogue.h"
#include "domain/page.h"
#include "services/catalogue/catalogue_clock.h"
#include "store/pool.h"

namespace imgsrv::services {

struct NewImage {
    std::string name;
    std::optional<std::string> display_name;
    std::optional<std::string> description;
};

struct NewArtifact {
    std::string operating_system;
    std::string architecture;
    std::optional<std::string> variant;
    std::string format;
    std::string primary_blob_digest;
    std::int64_t primary_blob_size = 0;
    std::string primary_media_type;
};

struct NewAttachment {
    std::string name;
    std::string media_type;
    std::string blob_digest;
    std::int64_t blob_size = 0;
};

// Who looks: a reader sees what is published, a writer sees drafts too. What one may not see is not_found.
enum class View { published, all };

// Images, versions, artifacts, attachments, aliases.
class CatalogueService {
  public:
    CatalogueService(store::Pool& pool, CatalogueClock& clock) : pool_(pool), clock_(clock) {}

    Result<domain::Page<domain::Image>> images(const ports::Call& call, const domain::PageRequest& page);
    Result<domain::Image> image(const ports::Call& call, View view, std::string_view name);
    Result<domain::Image> create_image(const ports::Call& call, const NewImage& request);

    Result<domain::Page<domain::Version>> versions(const ports::Call& call, View view, std::string_view image,
                                                   const domain::PageRequest& page);
    Result<domain::Version> create_draft(const ports::Call& call, std::string_view image, std::string_view version);
    Status delete_draft(const ports::Call& call, std::string_view image, std::string_view version);
    Result<domain::Manifest> manifest(const ports::Call& call, View view, std::string_view image,
                                      std::string_view version);
    // By exact version, else by alias; published ones only.
    Result<domain::Manifest> resolve(const ports::Call& call, std::string_view image, std::string_view ref);

    Result<domain::Artifact> artifact(const ports::Call& call, View view, std::string_view image,
                                      std::string_view version, std::string_view artifact_id);
    Result<domain::Artifact> add_artifact(const ports::Call& call, std::string_view image, std::string_view version,
                                          const NewArtifact& request);
    Status delete_artifact(const ports::Call& call, std::string_view image, std::string_view version,
                           std::string_view artifact_id);
    Result<domain::Attachment> attachment(const ports::Call& call, View view, std::string_view image,
                                          std::string_view version, std::string_view artifact_id,
                                          std::string_view attachment_id);
    Result<domain::Attachment> add_attachment(const ports::Call& call, std::string_view image, std::string_view version,
                                              std::string_view artifact_id, const NewAttachment& request);
    Status delete_attachment(const ports::Call& call, std::string_view image, std::string_view version,
                             std::string_view artifact_id, std::string_view attachment_id);

    Result<domain::Page<domain::Alias>> aliases(const ports::Call& call, View view, std::string_view image,
                                                const domain::PageRequest& page);
    Result<domain::Alias> alias(const ports::Call& call, View view, std::string_view image, std::string_view alias);
    struct PutAlias {
        domain::Alias alias;
        bool created = false;
    };
    Result<PutAlias> put_alias(const ports::Call& call, std::string_view image, std::string_view alias,
                               std::string_view version);
    Status delete_alias(const ports::Call& call, std::string_view image, std::string_view alias);

    // Reads the generation that other nodes may have moved.
    Status refresh_generation(const ports::Call& call);

  private:
    // An edit of a draft in one write transaction.
    template <class Edit>
    auto edit(const ports::Call& call, std::string_view image, std::string_view version, Edit&& body);

    store::Pool& pool_;
    CatalogueClock& clock_;
};

}  // namespace imgsrv::services
