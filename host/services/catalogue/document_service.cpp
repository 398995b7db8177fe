#include "services/catalogue/document_service.h"

#include <algorithm>

#include "store/catalogue/catalogue.h"
#include "store/publishing/projections.h"

namespace imgsrv::services {
namespace {

// One step's rows and the aliases, read in one transaction and then served without the database.
class SnapshotView final : public ports::RenderView {
  public:
    Status load(store::Transaction& tx, std::string_view step) {
        rows_.clear();
        IMGSRV_TRY(store::projections::visit(tx, step, [&](const ports::ProjectionRow& r) {
            rows_.push_back({std::string(r.image), std::string(r.display_name), std::string(r.version),
                             std::string(r.version_id), std::string(r.key), std::string(r.json), r.published});
            return Status();
        }));
        IMGSRV_ASSIGN(aliases_, store::projections::alias_targets(tx));
        return {};
    }

    Result<bool> next_row(ports::ProjectionRow& row) override {
        if (at_ == rows_.size()) return false;
        const Row& r = rows_[at_++];
        row = {r.image, r.display_name, r.version, r.version_id, r.key, r.json, r.published};
        return true;
    }

    Result<std::optional<std::string_view>> alias_at(std::string_view image, std::string_view version,
                                                     std::size_t i) override {
        using Target = store::projections::AliasTarget;
        const auto less = [](const Target& t, const std::pair<std::string_view, std::string_view>& key) {
            return std::pair<std::string_view, std::string_view>(t.image, t.version) < key;
        };
        const auto first = std::lower_bound(aliases_.begin(), aliases_.end(), std::pair(image, version), less);
        if (static_cast<std::size_t>(aliases_.end() - first) <= i) return std::optional<std::string_view>();
        const Target& target = *(first + static_cast<std::ptrdiff_t>(i));
        if (target.image != image || target.version != version) return std::optional<std::string_view>();
        return std::optional<std::string_view>(target.alias);
    }

    // lower_bound needs the order of operator<, which a database's collation may not have.
    void sort() {
        std::sort(aliases_.begin(), aliases_.end(), [](const auto& a, const auto& b) {
            return std::tie(a.image, a.version, a.alias) < std::tie(b.image, b.version, b.alias);
        });
    }

  private:
    struct Row {
        std::string image, display_name, version, version_id, key, json;
        Time published;
    };
    std::vector<Row> rows_;
    std::vector<store::projections::AliasTarget> aliases_;
    std::size_t at_ = 0;
};

}  // namespace

Result<std::unique_ptr<DocumentService>> DocumentService::create(store::Pool& pool, const StepSet& steps,
                                                                 CatalogueClock& clock) {
    std::unique_ptr<DocumentService> service(new DocumentService(pool, clock));
    for (const auto& [name, step] : steps)
        for (const auto& document : step->documents()) {
            auto& entry = service->entries_[document.path];
            if (entry)
                return Status(Code::already_exists, "steps '" + std::string(entry->step->name()) + "' and '" + name +
                                                        "' both serve the document " + document.path);
            entry = std::make_unique<Entry>();
            entry->step = step.get();
            entry->content_type = document.content_type;
        }
    return service;
}

std::vector<std::string> DocumentService::paths() const {
    std::vector<std::string> list;
    list.reserve(entries_.size());
    for (const auto& [path, entry] : entries_) list.push_back(path);
    std::sort(list.begin(), list.end());
    return list;
}

std::shared_ptr<const RenderedDocument> DocumentService::cached(std::string_view path) const {
    const auto it = entries_.find(std::string(path));
    if (it == entries_.end()) return nullptr;
    const std::lock_guard lock(it->second->shown);
    const auto& current = it->second->current;
    return current && current->generation >= clock_.generation() ? current : nullptr;
}

Result<std::shared_ptr<const RenderedDocument>> DocumentService::get(const ports::Call& call, std::string_view path) {
    const auto it = entries_.find(std::string(path));
    if (it == entries_.end()) return Status(Code::not_found, "there is no document " + std::string(path));
    Entry& entry = *it->second;
    const auto asked = std::chrono::steady_clock::now();
    const std::lock_guard lock(entry.rendering);
    if (auto current = cached(path)) return current;
    if (entry.failed_at > asked) return entry.failure;
    auto rendered = render(call, it->first, entry);
    if (!rendered.ok()) {
        entry.failure = rendered.status();
        entry.failed_at = std::chrono::steady_clock::now();
    }
    return rendered;
}

Result<std::shared_ptr<const RenderedDocument>> DocumentService::render(const ports::Call& call,
                                                                        const std::string& path, Entry& entry) {
    auto document = std::make_shared<RenderedDocument>();
    SnapshotView view;
    IMGSRV_TRY(pool_.read(call, [&](store::Transaction& tx) -> Status {
        IMGSRV_ASSIGN(document->generation, store::catalogue::generation(tx));
        return view.load(tx, entry.step->name());
    }));
    view.sort();
    IMGSRV_ASSIGN(auto body, entry.step->render(call, view, path));
    document->content_type = entry.content_type;
    document->text = std::make_shared<const CachedText>(std::move(body));
    clock_.advance_to(document->generation);
    const std::lock_guard lock(entry.shown);
    entry.current = document;
    return entry.current;
}

}  // namespace imgsrv::services
