// The publish step `incus_index`: lists published versions as Simple Streams, for Incus and LXD.
#include <cstddef>
#include <imgsrv/imgsrv.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "catalogue.h"
#include "documents.h"
#include "index_run.h"

namespace {

namespace sdk = imgsrv::sdk;
namespace incus = imgsrv_incus;

class IncusIndex {
  public:
    static constexpr std::uint32_t kRowSchema = incus::kRowSchema;
    static constexpr sdk::DocumentList kDocuments{sdk::document(incus::kIndexPath, "application/json"),
                                                  sdk::document(incus::kImagesPath, "application/json")};

    explicit IncusIndex(const sdk::Setup& setup) : log_(setup.host.log()) {}

    void run(const sdk::Call& call, sdk::StepRun& run) const { incus::index_version(call, run, log_); }

    void render(const sdk::Call& call, sdk::RenderView& view, std::string_view path, sdk::ByteSink& out) const {
        if (path != incus::kIndexPath && path != incus::kImagesPath)
            throw sdk::Failure(IMGSRV_NOT_FOUND, "incus_index serves no document " + std::string(path));
        const incus::Catalogue catalogue = gather(call, view);
        const auto products = catalogue.products();
        const incus::Output output = [&](std::string_view block) {
            call.throw_if_cancelled();
            out.write(block);
        };
        if (path == incus::kIndexPath)
            incus::write_index(products, output);
        else
            incus::write_images(products, output);
    }

  private:
    static incus::Catalogue gather(const sdk::Call& call, sdk::RenderView& view) {
        incus::Catalogue catalogue;
        std::size_t count = 0;
        while (const imgsrv_row* row = view.next_row()) {
            if (++count % 256 == 0) call.throw_if_cancelled();
            const std::string id(sdk::view(row->version_id));
            const incus::Version* version = catalogue.find(id);
            if (!version) version = &catalogue.add(read_version(id, *row, view));
            catalogue.add(*version, std::string(sdk::view(row->key)), read_row(*row));
        }
        return catalogue;
    }

    static incus::Version read_version(const std::string& id, const imgsrv_row& row, sdk::RenderView& view) {
        incus::Version version{id,
                               std::string(sdk::view(row.image)),
                               std::string(sdk::view(row.display_name)),
                               std::string(sdk::view(row.version)),
                               row.published_us,
                               {}};
        while (const auto alias = view.alias_at(version.image, version.name, version.aliases.size()))
            version.aliases.emplace_back(*alias);
        return version;
    }

    static incus::ImageRow read_row(const imgsrv_row& row) {
        try {
            return incus::parse_image_row(sdk::view(row.json));
        } catch (const std::invalid_argument& e) {
            throw sdk::Failure(IMGSRV_DATA_LOSS,
                               "row " + std::string(sdk::view(row.key)) + " of " + std::string(sdk::view(row.image)) +
                                   " " + std::string(sdk::view(row.version)) + " cannot be read: " + e.what());
        }
    }

    sdk::Log log_;
};

}  // namespace

IMGSRV_PLUGIN("org.imgsrv.step.incus_index", "1.0.0", "imgsrv", "Apache-2.0",
              sdk::publish_step<IncusIndex>("incus_index", sdk::kNoOptions));
