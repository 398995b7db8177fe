#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "services/catalogue/cached_text.h"
#include "services/catalogue/catalogue_clock.h"
#include "services/publishing/step_runner.h"
#include "store/pool.h"

namespace imgsrv::services {

// A rendered document of one catalogue generation. Never changes.
struct RenderedDocument {
    std::string content_type;
    std::shared_ptr<const CachedText> text;
    std::int64_t generation = 0;
};

// The documents that publish steps serve, rendered at the first read of a generation and kept until the next.
class DocumentService {
  public:
    // already_exists when two steps claim one path.
    static Result<std::unique_ptr<DocumentService>> create(store::Pool& pool, const StepSet& steps,
                                                           CatalogueClock& clock);

    std::vector<std::string> paths() const;
    // The document if it is rendered for the current generation; null otherwise. Never blocks long. [any]
    std::shared_ptr<const RenderedDocument> cached(std::string_view path) const;
    // Renders if needed; other callers wait for the one that renders. not_found: no such path.
    Result<std::shared_ptr<const RenderedDocument>> get(const ports::Call& call, std::string_view path);

  private:
    struct Entry {
        ports::PublishStep* step = nullptr;
        std::string content_type;
        mutable std::mutex shown;  // guards current
        std::mutex rendering;
        std::shared_ptr<const RenderedDocument> current;
        // The last failure. Callers that waited for that render get it too, rather than failing in turn.
        Status failure;
        std::chrono::steady_clock::time_point failed_at{};
    };

    DocumentService(store::Pool& pool, CatalogueClock& clock) : pool_(pool), clock_(clock) {}
    Result<std::shared_ptr<const RenderedDocument>> render(const ports::Call& call, const std::string& path,
                                                           Entry& entry);

    store::Pool& pool_;
    CatalogueClock& clock_;
    std::unordered_map<std::string, std::unique_ptr<Entry>> entries_;
};

}  // namespace imgsrv::services
