// An object store as a C++ class; ../object_store.h says what each function must promise.
#pragma once

#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "../object_store.h"
#include "component.hpp"
#include "local_data.hpp"
#include "stream.hpp"

namespace imgsrv::sdk {

struct ObjectInfo {
    std::string key, etag;
    std::uint64_t size = 0;
    std::int64_t mtime_us = 0;
};

struct OpenedObject {
    ObjectInfo info;  // size is the whole object's
    std::unique_ptr<ByteSource> body;
};

class ObjectSink {
  public:
    explicit ObjectSink(imgsrv_object_sink* raw) noexcept : raw_(raw) {}
    void emit(const ObjectInfo& o) {
        const imgsrv_object_info info{sizeof info, 0, str(o.key), str(o.etag), o.size, o.mtime_us};
        if (const imgsrv_code code = raw_->emit(raw_->ctx, &info); code != IMGSRV_OK)
            throw Failure(code, "the caller wants no more objects");
    }

  private:
    imgsrv_object_sink* raw_;
};

class UploadSink {
  public:
    explicit UploadSink(imgsrv_upload_sink* raw) noexcept : raw_(raw) {}
    void emit(std::string_view key, std::string_view upload_id, std::int64_t created_us) {
        const imgsrv_upload_info info{sizeof info, 0, str(key), str(upload_id), created_us};
        if (const imgsrv_code code = raw_->emit(raw_->ctx, &info); code != IMGSRV_OK)
            throw Failure(code, "the caller wants no more uploads");
    }

  private:
    imgsrv_upload_sink* raw_;
};

// The table for a class with these members, all called from several threads at once:
//     std::uint64_t caps() noexcept;
//     ObjectInfo stat(const Call&, std::string_view key);
//     OpenedObject open(const Call&, std::string_view key, std::string_view if_etag, std::uint64_t offset,
//                       std::optional<std::uint64_t> length);  // length none: to the end
//     ObjectInfo put(const Call&, std::string_view key, Reader& body, bool if_absent);
//     ObjectInfo copy(const Call&, std::string_view src, std::string_view if_src_etag, std::string_view dst,
//                     bool if_absent);
//     void remove(const Call&, std::string_view key);
//     bool list(const Call&, std::string_view prefix, std::string_view start_after, std::uint32_t max,
//               ObjectSink&);  // true: there are more
//     std::string mp_create(const Call&, std::string_view key,
//                           std::uint64_t expected_size);  // gives the upload's id; size 0: unknown
//     std::string mp_put_part(const Call&, std::string_view key, std::string_view upload_id, std::uint32_t number,
//                             Reader& body);  // gives the part's etag
//     ObjectInfo mp_complete(const Call&, std::string_view key, std::string_view upload_id,
//                            std::span<const imgsrv_part>);
//     void mp_abort(const Call&, std::string_view key, std::string_view upload_id);
//     void mp_list(const Call&, std::string_view prefix, UploadSink&);
// and, to offer the extension local_fd:
//     int open_fd(const Call&, std::string_view key);  // a descriptor that the caller closes
// the extension part_reader:
//     std::unique_ptr<ByteSource> open_part(const Call&, std::string_view key, std::string_view upload_id,
//                                           const imgsrv_part&, std::uint64_t offset);
// the extension part_limits:
//     static constexpr std::uint64_t kLeastPart = …;  // bytes of every part but the last
// the extension local_data:
//     static constexpr imgsrv_ext_local_data kLocalData = …;  // local_data.hpp
template <class T>
struct ObjectStoreTable {
    static T& self(void* p) noexcept { return *static_cast<T*>(p); }

    static constexpr imgsrv_object_store table = {
        .struct_size = sizeof(imgsrv_object_store),
        .reserved = 0,
        .caps = [](void* p) noexcept -> std::uint64_t { return self(p).caps(); },
        .stat = [](void* p, const imgsrv_call* call, imgsrv_str key, imgsrv_object_sink* out,
                   imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] { ObjectSink(out).emit(self(p).stat(Call(call), view(key))); });
        },
        .open = [](void* p, const imgsrv_call* call, imgsrv_str key, imgsrv_str if_etag, std::uint64_t offset,
                   std::int64_t length, imgsrv_reader* ret, imgsrv_object_sink* info,
                   imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] {
                std::optional<std::uint64_t> bytes;
                if (length >= 0) bytes = static_cast<std::uint64_t>(length);
                OpenedObject opened = self(p).open(Call(call), view(key), view(if_etag), offset, bytes);
                ObjectSink(info).emit(opened.info);
                hand_out(std::move(opened.body), ret);
            });
        },
        .put = [](void* p, const imgsrv_call* call, imgsrv_str key, imgsrv_reader* body, std::uint32_t flags,
                  imgsrv_object_sink* out, imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] {
                Reader reader(body);
                ObjectSink(out).emit(self(p).put(Call(call), view(key), reader, (flags & IMGSRV_IF_ABSENT) != 0));
            });
        },
        .copy = [](void* p, const imgsrv_call* call, imgsrv_str src, imgsrv_str if_src_etag, imgsrv_str dst,
                   std::uint32_t flags, imgsrv_object_sink* out, imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] {
                ObjectSink(out).emit(
                    self(p).copy(Call(call), view(src), view(if_src_etag), view(dst), (flags & IMGSRV_IF_ABSENT) != 0));
            });
        },
        .remove = [](void* p, const imgsrv_call* call, imgsrv_str key, imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] { self(p).remove(Call(call), view(key)); });
        },
        .list = [](void* p, const imgsrv_call* call, imgsrv_str prefix, imgsrv_str start_after, std::uint32_t max,
                   imgsrv_object_sink* out, std::int32_t* ret_more, imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] {
                ObjectSink sink(out);
                *ret_more = self(p).list(Call(call), view(prefix), view(start_after), max, sink) ? 1 : 0;
            });
        },
        .mp_create = [](void* p, const imgsrv_call* call, imgsrv_str key, const imgsrv_upload_hints* hints,
                        imgsrv_str_sink* upload_id, imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] {
                const std::uint64_t expected = hints && IMGSRV_HAS(hints, expected_size) ? hints->expected_size : 0;
                upload_id->set(upload_id->ctx, str(self(p).mp_create(Call(call), view(key), expected)));
            });
        },
        .mp_put_part = [](void* p, const imgsrv_call* call, imgsrv_str key, imgsrv_str upload_id, std::uint32_t number,
                          imgsrv_reader* body, imgsrv_str_sink* etag, imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] {
                Reader reader(body);
                etag->set(etag->ctx, str(self(p).mp_put_part(Call(call), view(key), view(upload_id), number, reader)));
            });
        },
        .mp_complete = [](void* p, const imgsrv_call* call, imgsrv_str key, imgsrv_str upload_id,
                          const imgsrv_part* parts, std::size_t n, imgsrv_object_sink* out,
                          imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] {
                ObjectSink(out).emit(self(p).mp_complete(Call(call), view(key), view(upload_id),
                                                         std::span<const imgsrv_part>(parts, n)));
            });
        },
        .mp_abort = [](void* p, const imgsrv_call* call, imgsrv_str key, imgsrv_str upload_id,
                       imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] { self(p).mp_abort(Call(call), view(key), view(upload_id)); });
        },
        .mp_list = [](void* p, const imgsrv_call* call, imgsrv_str prefix, imgsrv_upload_sink* out,
                      imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] {
                UploadSink sink(out);
                self(p).mp_list(Call(call), view(prefix), sink);
            });
        },
    };

    static constexpr bool kOpensFd = requires(T & t, const Call& c, std::string_view s) { t.open_fd(c, s); };
    static constexpr bool kOpensParts = requires(T & t, const Call& c, std::string_view s, const imgsrv_part& part) {
        t.open_part(c, s, s, part, std::uint64_t{});
    };

    static constexpr bool kLimitsParts = requires { T::kLeastPart; };

    static const void* extension(const char* id) noexcept {
        if constexpr (kOpensFd) {
            static constexpr imgsrv_ext_store_local_fd local_fd = {
                .struct_size = sizeof local_fd,
                .reserved = 0,
                .open_fd = [](void* p, const imgsrv_call* call, imgsrv_str key, int* ret_fd, imgsrv_error* err) noexcept
                -> imgsrv_code { return guarded(err, [&] { *ret_fd = self(p).open_fd(Call(call), view(key)); }); },
            };
            if (std::strcmp(id, IMGSRV_EXT_STORE_LOCAL_FD) == 0) return &local_fd;
        }
        if constexpr (kOpensParts) {
            static constexpr imgsrv_ext_store_part_reader part_reader = {
                .struct_size = sizeof part_reader,
                .reserved = 0,
                .open_part = [](void* p, const imgsrv_call* call, imgsrv_str key, imgsrv_str upload_id,
                                const imgsrv_part* part, std::uint64_t offset, imgsrv_reader* ret,
                                imgsrv_error* err) noexcept -> imgsrv_code {
                    return guarded(err, [&] {
                        hand_out(self(p).open_part(Call(call), view(key), view(upload_id), *part, offset), ret);
                    });
                },
            };
            if (std::strcmp(id, IMGSRV_EXT_STORE_PART_READER) == 0) return &part_reader;
        }
        if constexpr (kLimitsParts) {
            static constexpr imgsrv_ext_store_part_limits part_limits = {
                .struct_size = sizeof part_limits,
                .reserved = 0,
                .least_size = T::kLeastPart,
            };
            if (std::strcmp(id, IMGSRV_EXT_STORE_PART_LIMITS) == 0) return &part_limits;
        }
        if constexpr (requires { T::kLocalData; }) {
            if (std::strcmp(id, IMGSRV_EXT_LOCAL_DATA) == 0) return &T::kLocalData;
        }
        return nullptr;
    }
};

// For IMGSRV_PLUGIN. options: an OptionList, or kNoOptions.
template <class T>
constexpr imgsrv_component object_store(const char* name, const imgsrv_option* const* options,
                                        std::uint32_t flags = 0) {
    return component<T>(IMGSRV_KIND_OBJECT_STORE, name, options, &ObjectStoreTable<T>::table, flags,
                        &ObjectStoreTable<T>::extension);
}

}  // namespace imgsrv::sdk
