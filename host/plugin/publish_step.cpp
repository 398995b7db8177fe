#include <imgsrv/publish_step.h>

#include "plugin/create.h"
#include "plugin/instance.h"

// imgsrv_publish_step as a ports::PublishStep.
namespace imgsrv::plugin {
namespace {

// The frozen manifest in the ABI's terms; borrows from the host's.
class AbiManifest {
  public:
    explicit AbiManifest(const ports::StepManifest& manifest) {
        artifacts_.reserve(manifest.artifacts.size());
        for (const ports::StepArtifact& a : manifest.artifacts) {
            Artifact& artifact = artifacts_.emplace_back();
            artifact.attachments.reserve(a.attachments.size());
            for (const ports::StepAttachment& t : a.attachments)
                artifact.attachments.push_back(
                    {sizeof(imgsrv_attachment), 0, str(t.id), str(t.name), str(t.media_type), str(t.digest), t.size});
            for (const imgsrv_attachment& t : artifact.attachments) artifact.pointers.push_back(&t);
            artifact.pointers.push_back(nullptr);
            artifact.raw = {sizeof(imgsrv_artifact),
                            0,
                            str(a.id),
                            str(a.os),
                            str(a.architecture),
                            str(a.variant),
                            str(a.format),
                            str(a.media_type),
                            str(a.digest),
                            a.size,
                            artifact.pointers.data()};
        }
        for (const Artifact& a : artifacts_) pointers_.push_back(&a.raw);
        pointers_.push_back(nullptr);
    }
    AbiManifest(const AbiManifest&) = delete;
    AbiManifest& operator=(const AbiManifest&) = delete;

    const imgsrv_artifact* const* artifacts() const { return pointers_.data(); }

  private:
    struct Artifact {
        std::vector<imgsrv_attachment> attachments;
        std::vector<const imgsrv_attachment*> pointers;
        imgsrv_artifact raw{};
    };
    std::vector<Artifact> artifacts_;
    std::vector<const imgsrv_artifact*> pointers_;
};

ports::StepRun& run_of(void* ctx) {
    return *static_cast<ports::StepRun*>(ctx);
}

imgsrv_code open_blob(void* ctx, const imgsrv_call* call, imgsrv_str digest, std::uint64_t offset, std::int64_t length,
                      imgsrv_reader* ret, imgsrv_error* err) noexcept {
    return sdk::guarded(err, [&]() -> imgsrv_code {
        std::optional<std::uint64_t> bytes;
        if (length >= 0) bytes = static_cast<std::uint64_t>(length);
        auto reader = run_of(ctx).open_blob(AbiCall::unwrap(call), view(digest), offset, bytes);
        if (!reader.ok()) return report(reader.status(), err);
        give_reader(std::move(*reader), ret);
        return IMGSRV_OK;
    });
}

imgsrv_code blob_size(void* ctx, const imgsrv_call* call, imgsrv_str digest, std::uint64_t* ret_size,
                      imgsrv_error* err) noexcept {
    return sdk::guarded(err, [&]() -> imgsrv_code {
        const auto size = run_of(ctx).blob_size(AbiCall::unwrap(call), view(digest));
        if (!size.ok()) return report(size.status(), err);
        *ret_size = *size;
        return IMGSRV_OK;
    });
}

void progress(void* ctx, std::uint64_t done, std::uint64_t total) noexcept {
    sdk::guarded(nullptr, [&] { run_of(ctx).progress(done, total); });
}

imgsrv_code put_row(void* ctx, imgsrv_str key, imgsrv_str json, imgsrv_error* err) noexcept {
    return sdk::guarded(err, [&] { return report(run_of(ctx).put_row(view(key), view(json)), err); });
}

imgsrv_code request_published(void* ctx, imgsrv_error* err) noexcept {
    return sdk::guarded(err, [&] { return report(run_of(ctx).request_published(), err); });
}

ports::RenderView& view_of(void* ctx) {
    return *static_cast<ports::RenderView*>(ctx);
}

std::int32_t next_row(void* ctx, imgsrv_row* ret, imgsrv_error* err) noexcept {
    return sdk::guarded_count<std::int32_t>(err, [&]() -> std::int32_t {
        ports::ProjectionRow row;
        const auto more = view_of(ctx).next_row(row);
        if (!more.ok()) return -report(more.status(), err);
        if (!*more) return 0;
        ret->image = str(row.image);
        ret->display_name = str(row.display_name);
        ret->version = str(row.version);
        ret->version_id = str(row.version_id);
        ret->key = str(row.key);
        ret->json = str(row.json);
        ret->published_us = to_micros(row.published);
        return 1;
    });
}

std::int32_t alias_at(void* ctx, imgsrv_str image, imgsrv_str version, std::size_t i, imgsrv_str* ret,
                      imgsrv_error* err) noexcept {
    return sdk::guarded_count<std::int32_t>(err, [&]() -> std::int32_t {
        const auto alias = view_of(ctx).alias_at(view(image), view(version), i);
        if (!alias.ok()) return -report(alias.status(), err);
        if (!*alias) return 0;
        *ret = str(**alias);
        return 1;
    });
}

class PluginPublishStep final : public ports::PublishStep {
  public:
    explicit PluginPublishStep(std::shared_ptr<Instance> instance)
        : instance_(std::move(instance)), table_(instance_->table<imgsrv_publish_step>()) {
        for (auto at = table_.documents; at && *at; ++at) documents_.push_back({(*at)->path, (*at)->content_type});
    }

    std::string_view name() const override { return instance_->info().name; }
    bool finalizer() const override { return instance_->info().finalizer; }
    std::uint32_t row_schema() const override { return table_.row_schema; }
    const std::vector<ports::Document>& documents() const override { return documents_; }

    Status run(const ports::Call& call, ports::StepRun& run) override {
        const ports::StepManifest& manifest = run.manifest();
        const AbiManifest abi_manifest(manifest);
        imgsrv_step_run raw{};
        raw.struct_size = sizeof raw;
        raw.attempt = run.attempt();
        raw.ctx = &run;
        raw.version_id = str(manifest.version_id);
        raw.image = str(manifest.image);
        raw.version = str(manifest.version);
        raw.artifacts = abi_manifest.artifacts();
        raw.open_blob = open_blob;
        raw.blob_size = blob_size;
        raw.progress = progress;
        raw.put_row = put_row;
        raw.request_published = request_published;
        return instance_->run(call, [&](void* self, auto* c, auto* err) { return table_.run(self, c, &raw, err); });
    }

    Result<std::string> render(const ports::Call& call, ports::RenderView& catalogue, std::string_view path) override {
        if (!table_.render) return Status(Code::unimplemented, "this step has no documents");
        imgsrv_render_view raw{};
        raw.struct_size = sizeof raw;
        raw.ctx = &catalogue;
        raw.next_row = next_row;
        raw.alias_at = alias_at;
        std::string text;
        imgsrv_byte_sink sink{&text, [](void* ctx, const void* p, std::size_t n) noexcept -> imgsrv_code {
                                  return sdk::guarded(nullptr, [&] {
                                      static_cast<std::string*>(ctx)->append(static_cast<const char*>(p), n);
                                  });
                              }};
        IMGSRV_TRY(instance_->run(
            call, [&](void* self, auto* c, auto* err) { return table_.render(self, c, &raw, str(path), &sink, err); }));
        return text;
    }

    Status health(const ports::Call& call) override { return instance_->health(call); }

  private:
    std::shared_ptr<Instance> instance_;
    const imgsrv_publish_step& table_;
    std::vector<ports::Document> documents_;
};

}  // namespace

Result<std::unique_ptr<ports::PublishStep>> create_publish_step(const PluginRegistry& registry, std::string_view driver,
                                                                std::string_view instance, const OptionValues& options,
                                                                const HostContext& context, const ports::Call& call) {
    IMGSRV_ASSIGN(auto made, Instance::create(registry, Kind::publish_step, driver, instance, options, context, call));
    return std::unique_ptr<ports::PublishStep>(std::make_unique<PluginPublishStep>(std::move(made)));
}

}  // namespace imgsrv::plugin
