// A publish step as a C++ class; ../publish_step.h says what each function must promise.
#pragma once

#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "../publish_step.h"
#include "component.hpp"
#include "stream.hpp"

namespace imgsrv::sdk {

// A NULL-terminated array of pointers as a range: for (const imgsrv_artifact& a : run.artifacts()) …
template <class T>
class PointerRange {
  public:
    class Iterator {
      public:
        explicit Iterator(const T* const* at) : at_(at) {}
        const T& operator*() const { return **at_; }
        const T* operator->() const { return *at_; }
        Iterator& operator++() { return ++at_, *this; }
        bool operator!=(std::default_sentinel_t) const { return at_ && *at_; }

      private:
        const T* const* at_;
    };

    explicit PointerRange(const T* const* first) : first_(first) {}
    Iterator begin() const { return Iterator(first_); }
    std::default_sentinel_t end() const { return {}; }

  private:
    const T* const* first_;
};

inline PointerRange<imgsrv_attachment> attachments(const imgsrv_artifact& a) {
    return PointerRange<imgsrv_attachment>(a.attachments);
}

// One run of a step over one version's frozen manifest. Valid until run() returns. One thread at a time.
class StepRun {
  public:
    explicit StepRun(const imgsrv_step_run* raw) noexcept : raw_(raw) {}

    std::string_view version_id() const noexcept { return view(raw_->version_id); }
    std::string_view image() const noexcept { return view(raw_->image); }
    std::string_view version() const noexcept { return view(raw_->version); }
    std::uint32_t attempt() const noexcept { return raw_->attempt; }  // from 1
    PointerRange<imgsrv_artifact> artifacts() const { return PointerRange<imgsrv_artifact>(raw_->artifacts); }

    // length none: to the end.
    OwnedReader open_blob(const Call& call, std::string_view digest, std::uint64_t offset = 0,
                          std::optional<std::uint64_t> length = std::nullopt) {
        OwnedReader reader;
        imgsrv_error err{};
        const std::int64_t bytes = length ? static_cast<std::int64_t>(*length) : -1;
        check(raw_->open_blob(raw_->ctx, call.raw(), str(digest), offset, bytes, reader.raw(), &err), err);
        return reader;
    }
    // None: there is no trusted blob of that digest.
    std::optional<std::uint64_t> blob_size(const Call& call, std::string_view digest) {
        std::uint64_t size = 0;
        imgsrv_error err{};
        const imgsrv_code code = raw_->blob_size(raw_->ctx, call.raw(), str(digest), &size, &err);
        if (code == IMGSRV_NOT_FOUND) return std::nullopt;
        check(code, err);
        return size;
    }
    void progress(std::uint64_t done, std::uint64_t total) noexcept { raw_->progress(raw_->ctx, done, total); }
    // A row of this step's projection; the same key again replaces it.
    void put_row(std::string_view key, std::string_view json) {
        imgsrv_error err{};
        check(raw_->put_row(raw_->ctx, str(key), str(json), &err), err);
    }
    // Finalizers only.
    void request_published() {
        imgsrv_error err{};
        check(raw_->request_published(raw_->ctx, &err), err);
    }

  private:
    const imgsrv_step_run* raw_;
};

// One read snapshot of the catalogue. Valid until render() returns. One thread at a time.
class RenderView {
  public:
    explicit RenderView(const imgsrv_render_view* raw) noexcept : raw_(raw) {}

    // Null at the end. The row is valid until the next call.
    const imgsrv_row* next_row() {
        imgsrv_error err{};
        row_ = {};
        row_.struct_size = sizeof row_;
        const std::int32_t n = raw_->next_row(raw_->ctx, &row_, &err);
        if (n < 0) throw Failure(-n, err);
        return n == 0 ? nullptr : &row_;
    }
    // The i-th alias that points at the version, in order of name; none after the last. Valid until the next call.
    std::optional<std::string_view> alias_at(std::string_view image, std::string_view version, std::size_t i) {
        imgsrv_error err{};
        imgsrv_str alias{};
        const std::int32_t n = raw_->alias_at(raw_->ctx, str(image), str(version), i, &alias, &err);
        if (n < 0) throw Failure(-n, err);
        if (n == 0) return std::nullopt;
        return view(alias);
    }

  private:
    const imgsrv_render_view* raw_;
    imgsrv_row row_{};
};

constexpr imgsrv_document document(const char* path, const char* content_type) {
    return {sizeof(imgsrv_document), 0, path, content_type};
}

template <std::size_t N>
struct DocumentList : PointerList<imgsrv_document, N> {
    using PointerList<imgsrv_document, N>::PointerList;
};
template <class... E>
DocumentList(E...) -> DocumentList<sizeof...(E)>;

// The table for a class with this member, called from several threads at once:
//     void run(const Call&, StepRun&);  // throws Failure; idempotent and deterministic
// and, for a step with a projection:
//     static constexpr std::uint32_t kRowSchema = 1;
// and, for a step that serves documents:
//     static constexpr DocumentList kDocuments{document("/streams/v1/index.json", "application/json")};
//     void render(const Call&, RenderView&, std::string_view path, ByteSink& out);
template <class T>
struct PublishStepTable {
    static T& self(void* p) noexcept { return *static_cast<T*>(p); }

    static constexpr imgsrv_publish_step make() {
        imgsrv_publish_step s{};
        s.struct_size = sizeof s;
        if constexpr (requires { T::kRowSchema; }) s.row_schema = T::kRowSchema;
        s.run = [](void* p, const imgsrv_call* call, const imgsrv_step_run* raw,
                   imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] {
                StepRun run(raw);
                self(p).run(Call(call), run);
            });
        };
        if constexpr (requires { T::kDocuments; }) {
            s.documents = T::kDocuments.data();
            s.render = [](void* p, const imgsrv_call* call, const imgsrv_render_view* raw, imgsrv_str path,
                          imgsrv_byte_sink* out, imgsrv_error* err) noexcept -> imgsrv_code {
                return guarded(err, [&] {
                    RenderView catalogue(raw);
                    ByteSink sink(out);
                    self(p).render(Call(call), catalogue, view(path), sink);
                });
            };
        }
        return s;
    }
    static constexpr imgsrv_publish_step table = make();
};

// For IMGSRV_PLUGIN. options: an OptionList, or kNoOptions. flags: IMGSRV_COMPONENT_FINALIZER.
template <class T>
constexpr imgsrv_component publish_step(const char* name, const imgsrv_option* const* options,
                                        std::uint32_t flags = 0) {
    return component<T>(IMGSRV_KIND_PUBLISH_STEP, name, options, &PublishStepTable<T>::table, flags, nullptr);
}

}  // namespace imgsrv::sdk
