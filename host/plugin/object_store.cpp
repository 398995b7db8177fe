#include <imgsrv/object_store.h>

#include "core/log.h"
#include "plugin/create.h"
#include "plugin/instance.h"

// imgsrv_object_store as a ports::ObjectStore.
namespace imgsrv::plugin {
namespace {

ports::ObjectInfo to_info(const imgsrv_object_info& o) {
    return {std::string(view(o.key)), std::string(view(o.etag)), o.size, from_micros(o.mtime_us)};
}

// Collects what a store emits. Keeps at most `most` elements; a store that emits more breaks its promise.
template <class Sink, class Abi, class Element, Element (*convert)(const Abi&)>
class Collector {
  public:
    explicit Collector(std::size_t most) : most_(most) {}
    Sink* sink() { return &sink_; }
    std::vector<Element>& elements() { return elements_; }

  private:
    static imgsrv_code emit(void* ctx, const Abi* element) noexcept {
        auto& self = *static_cast<Collector*>(ctx);
        if (self.elements_.size() >= self.most_) return IMGSRV_RESOURCE_EXHAUSTED;
        return sdk::guarded(nullptr, [&] { self.elements_.push_back(convert(*element)); });
    }

    std::size_t most_;
    std::vector<Element> elements_;
    Sink sink_{this, emit};
};

ports::MultipartUpload to_upload(const imgsrv_upload_info& u) {
    return {std::string(view(u.key)), std::string(view(u.upload_id)), from_micros(u.created_us)};
}

using Objects = Collector<imgsrv_object_sink, imgsrv_object_info, ports::ObjectInfo, to_info>;
using Uploads = Collector<imgsrv_upload_sink, imgsrv_upload_info, ports::MultipartUpload, to_upload>;
constexpr std::size_t kNoLimit = static_cast<std::size_t>(-1);

Result<ports::ObjectInfo> only(Objects& objects) {
    if (objects.elements().empty())
        return Status(Code::internal, "the object store returned OK without describing the object");
    return std::move(objects.elements().front());
}

std::uint32_t flags(ports::Overwrite mode) {
    return mode == ports::Overwrite::if_absent ? IMGSRV_IF_ABSENT : 0;
}

// The operator learns from health and the log why the store is away or refuses this server. Clients do not learn where
// the store is, and a refusal of the server must not look like one of theirs.
Status for_callers(const ports::Call& call, const Status& status) {
    const Code code = status.code();
    if (code != Code::unavailable && code != Code::permission_denied && code != Code::unauthenticated) return status;
    log::warn("the object store failed", {{"request_id", call.request_id}, {"error", status.describe()}});
    return Status(Code::unavailable, "the object store is not available")
        .with_detail(status.describe())
        .with_retryable()
        .with_outcome_unknown(status.outcome_unknown())
        .with_retry_after_ms(status.retry_after_ms());
}

imgsrv_reader empty_reader() {
    imgsrv_reader reader{};
    reader.struct_size = sizeof reader;
    return reader;
}

class PluginObjectStore final : public ports::ObjectStore {
  public:
    explicit PluginObjectStore(std::shared_ptr<Instance> instance)
        : instance_(std::move(instance)),
          table_(instance_->table<imgsrv_object_store>()),
          local_fd_(instance_->extension<imgsrv_ext_store_local_fd>(IMGSRV_EXT_STORE_LOCAL_FD,
                                                                    sizeof(imgsrv_ext_store_local_fd))),
          part_reader_(instance_->extension<imgsrv_ext_store_part_reader>(IMGSRV_EXT_STORE_PART_READER,
                                                                          sizeof(imgsrv_ext_store_part_reader))),
          part_limits_(instance_->extension<imgsrv_ext_store_part_limits>(IMGSRV_EXT_STORE_PART_LIMITS,
                                                                          sizeof(imgsrv_ext_store_part_limits))),
          caps_(table_.caps(instance_->self())) {}

    Result<ports::ObjectInfo> stat(const ports::Call& call, std::string_view key) override {
        Objects out(1);
        IMGSRV_TRY(
            run(call, [&](auto* self, auto* c, auto* err) { return table_.stat(self, c, str(key), out.sink(), err); }));
        return only(out);
    }

    Result<ports::OpenedObject> open(const ports::Call& call, std::string_view key, std::string_view if_etag,
                                     std::uint64_t offset, std::optional<std::uint64_t> length) override {
        Objects out(1);
        imgsrv_reader raw = empty_reader();
        const std::int64_t bytes = length ? static_cast<std::int64_t>(*length) : -1;
        IMGSRV_TRY(run(call, [&](auto* self, auto* c, auto* err) {
            return table_.open(self, c, str(key), str(if_etag), offset, bytes, &raw, out.sink(), err);
        }));
        IMGSRV_ASSIGN(auto body, take_reader(instance_, raw));
        IMGSRV_ASSIGN(auto info, only(out));
        return ports::OpenedObject{std::move(info), std::move(body)};
    }

    Result<ports::ObjectInfo> put(const ports::Call& call, std::string_view key, ports::ByteReader& body,
                                  ports::Overwrite mode) override {
        Objects out(1);
        LentReader lent(body);
        const Status status = instance_->run(call, [&](auto* self, auto* c, auto* err) {
            return table_.put(self, c, str(key), lent.get(), flags(mode), out.sink(), err);
        });
        // If the body failed, that is the cause, whatever the store says; what the store has is not the body then.
        IMGSRV_TRY(lent.failure());
        IMGSRV_TRY(for_callers(call, status));
        return only(out);
    }

    Result<ports::ObjectInfo> copy(const ports::Call& call, std::string_view from, std::string_view to,
                                   ports::Overwrite mode) override {
        Objects out(1);
        IMGSRV_TRY(run(call, [&](auto* self, auto* c, auto* err) {
            return table_.copy(self, c, str(from), imgsrv_str{}, str(to), flags(mode), out.sink(), err);
        }));
        return only(out);
    }

    Status remove(const ports::Call& call, std::string_view key) override {
        return run(call, [&](auto* self, auto* c, auto* err) { return table_.remove(self, c, str(key), err); });
    }

    Result<ports::ObjectPage> list(const ports::Call& call, std::string_view prefix, std::string_view start_after,
                                   std::uint32_t max) override {
        Objects out(max);
        std::int32_t more = 0;
        IMGSRV_TRY(run(call, [&](auto* self, auto* c, auto* err) {
            return table_.list(self, c, str(prefix), str(start_after), max, out.sink(), &more, err);
        }));
        return ports::ObjectPage{std::move(out.elements()), more != 0};
    }

    Result<std::string> multipart_create(const ports::Call& call, std::string_view key,
                                         std::uint64_t expected_size) override {
        StringResult id;
        const imgsrv_upload_hints hints{sizeof hints, 0, expected_size};
        IMGSRV_TRY(run(call, [&](auto* self, auto* c, auto* err) {
            return table_.mp_create(self, c, str(key), &hints, id.sink(), err);
        }));
        return std::move(id).take("an upload id");
    }

    Result<std::string> put_part(const ports::Call& call, std::string_view key, std::string_view upload_id,
                                 std::uint32_t number, ports::ByteReader& body) override {
        StringResult etag;
        LentReader lent(body);
        const Status status = instance_->run(call, [&](auto* self, auto* c, auto* err) {
            return table_.mp_put_part(self, c, str(key), str(upload_id), number, lent.get(), etag.sink(), err);
        });
        IMGSRV_TRY(lent.failure());
        IMGSRV_TRY(for_callers(call, status));
        return std::move(etag).take("an etag of the part");
    }

    Result<ports::ObjectInfo> multipart_complete(const ports::Call& call, std::string_view key,
                                                 std::string_view upload_id,
                                                 std::span<const ports::StoredPart> parts) override {
        Objects out(1);
        std::vector<imgsrv_part> raw;
        raw.reserve(parts.size());
        for (const ports::StoredPart& p : parts) raw.push_back({p.number, 0, p.size, str(p.etag)});
        IMGSRV_TRY(run(call, [&](auto* self, auto* c, auto* err) {
            return table_.mp_complete(self, c, str(key), str(upload_id), raw.data(), raw.size(), out.sink(), err);
        }));
        return only(out);
    }

    Status multipart_abort(const ports::Call& call, std::string_view key, std::string_view upload_id) override {
        return run(call, [&](auto* self, auto* c, auto* err) {
            return table_.mp_abort(self, c, str(key), str(upload_id), err);
        });
    }

    Result<std::vector<ports::MultipartUpload>> multipart_list(const ports::Call& call,
                                                               std::string_view prefix) override {
        Uploads out(kNoLimit);
        IMGSRV_TRY(run(call, [&](auto* self, auto* c, auto* err) {
            return table_.mp_list(self, c, str(prefix), out.sink(), err);
        }));
        return std::move(out.elements());
    }

    bool can_open_part() const override { return part_reader_ != nullptr; }
    Result<std::unique_ptr<ports::ByteReader>> open_part(const ports::Call& call, std::string_view key,
                                                         std::string_view upload_id, const ports::StoredPart& part,
                                                         std::uint64_t offset) override {
        if (!part_reader_) return Status(Code::unimplemented, "this object store cannot read parts of an open upload");
        imgsrv_reader raw = empty_reader();
        const imgsrv_part abi_part{part.number, 0, part.size, str(part.etag)};
        IMGSRV_TRY(run(call, [&](auto* self, auto* c, auto* err) {
            return part_reader_->open_part(self, c, str(key), str(upload_id), &abi_part, offset, &raw, err);
        }));
        return take_reader(instance_, raw);
    }

    std::uint64_t least_part() const override { return part_limits_ ? part_limits_->least_size : 0; }

    bool unique_part_etags() const override { return (caps_ & IMGSRV_STORE_CAP_UNIQUE_PART_ETAGS) != 0; }

    bool can_open_fd() const override { return local_fd_ != nullptr; }
    Result<UniqueFd> open_fd(const ports::Call& call, std::string_view key) override {
        if (!local_fd_) return Status(Code::unimplemented, "this object store has no local files");
        int fd = -1;
        IMGSRV_TRY(
            run(call, [&](auto* self, auto* c, auto* err) { return local_fd_->open_fd(self, c, str(key), &fd, err); }));
        if (fd < 0) return Status(Code::internal, "the object store returned OK without a descriptor");
        return UniqueFd(fd);
    }

    Status health(const ports::Call& call) override { return instance_->health(call); }

  private:
    template <class F>
    Status run(const ports::Call& call, F f) {
        return for_callers(call, instance_->run(call, f));
    }

    std::shared_ptr<Instance> instance_;
    const imgsrv_object_store& table_;
    const imgsrv_ext_store_local_fd* local_fd_;
    const imgsrv_ext_store_part_reader* part_reader_;
    const imgsrv_ext_store_part_limits* part_limits_;
    const std::uint64_t caps_;
};

}  // namespace

Result<std::unique_ptr<ports::ObjectStore>> create_object_store(const PluginRegistry& registry, std::string_view driver,
                                                                std::string_view instance, const OptionValues& options,
                                                                const HostContext& context, const ports::Call& call) {
    IMGSRV_ASSIGN(auto made, Instance::create(registry, Kind::object_store, driver, instance, options, context, call));
    return std::unique_ptr<ports::ObjectStore>(std::make_unique<PluginObjectStore>(std::move(made)));
}

}  // namespace imgsrv::plugin
