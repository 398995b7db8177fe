// A database driver as three C++ classes; ../database.h says what each function must promise.
#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "../database.h"
#include "component.hpp"
#include "local_data.hpp"

namespace imgsrv::sdk {

inline imgsrv_value null_value() noexcept {
    return {};
}
inline imgsrv_value integer_value(std::int64_t i) noexcept {
    imgsrv_value v{};
    v.type = IMGSRV_VAL_INT;
    v.u.i = i;
    return v;
}
inline imgsrv_value boolean_value(bool b) noexcept {
    imgsrv_value v = integer_value(b ? 1 : 0);
    v.type = IMGSRV_VAL_BOOL;
    return v;
}
inline imgsrv_value double_value(double d) noexcept {
    imgsrv_value v{};
    v.type = IMGSRV_VAL_DOUBLE;
    v.u.d = d;
    return v;
}
// The bytes are borrowed.
inline imgsrv_value text_value(std::string_view s) noexcept {
    imgsrv_value v{};
    v.type = IMGSRV_VAL_TEXT;
    v.u.s = str(s);
    return v;
}
inline imgsrv_value blob_value(std::string_view s) noexcept {
    imgsrv_value v = text_value(s);
    v.type = IMGSRV_VAL_BLOB;
    return v;
}

template <class Rows>
struct QueryResult {
    std::unique_ptr<Rows> rows;  // null: the statement returns no columns
    std::uint64_t affected = 0;  // rows inserted, updated or deleted
};

// The table for these classes. T is called from several threads at once:
//     static constexpr const char* kDialect = "sqlite";
//     static constexpr std::uint64_t kFeatures = IMGSRV_DB_FEATURE_…;
//     std::unique_ptr<Connection> connect(const Call&);
//   and, to offer the extension local_data:
//     static constexpr imgsrv_ext_local_data kLocalData = …;  // local_data.hpp
// Connection, one thread at a time except interrupt():
//     void reset(const Call&);    void begin(const Call&, std::int32_t mode);
//     void commit(const Call&);   void rollback(const Call&);
//     void script(const Call&, std::string_view sql);
//     QueryResult<Rows> query(const Call&, std::string_view sql, std::span<const imgsrv_value> params);
//     void migration_lock(const Call&);   void migration_unlock(const Call&);
//     void interrupt() noexcept;
//   and, to offer the extension notifications:
//     void listen(const Call&, std::string_view channel);
//     std::string_view next_notification(const Call&);  // borrowed until the connection's next function
// Rows, closed before the connection's next statement:
//     bool next(const Call&);  // false: the end
//     std::size_t width() noexcept;
//     imgsrv_value get(std::size_t column);  // text and blobs are borrowed until next()
template <class T, class Connection, class Rows>
struct DatabaseTable {
    static Connection& conn(void* p) noexcept { return *static_cast<Connection*>(p); }
    static Rows& result(void* p) noexcept { return *static_cast<Rows*>(p); }

    static constexpr imgsrv_database table = {
        .struct_size = sizeof(imgsrv_database),
        .reserved = 0,
        .dialect = T::kDialect,
        .features = T::kFeatures,
        .connect = [](void* p, const imgsrv_call* call, void** ret_conn, imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] { *ret_conn = static_cast<T*>(p)->connect(Call(call)).release(); });
        },
        .disconnect = [](void* p) noexcept { delete &conn(p); },
        .reset = [](void* p, const imgsrv_call* call, imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] { conn(p).reset(Call(call)); });
        },
        .begin = [](void* p, const imgsrv_call* call, std::int32_t mode, imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] { conn(p).begin(Call(call), mode); });
        },
        .commit = [](void* p, const imgsrv_call* call, imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] { conn(p).commit(Call(call)); });
        },
        .rollback = [](void* p, const imgsrv_call* call, imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] { conn(p).rollback(Call(call)); });
        },
        .script = [](void* p, const imgsrv_call* call, imgsrv_str sql, imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] { conn(p).script(Call(call), view(sql)); });
        },
        .query = [](void* p, const imgsrv_call* call, imgsrv_str sql, const imgsrv_value* params, std::size_t n,
                    void** ret_rows, std::uint64_t* ret_affected, imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] {
                QueryResult<Rows> r = conn(p).query(Call(call), view(sql), std::span<const imgsrv_value>(params, n));
                *ret_affected = r.affected;
                *ret_rows = r.rows.release();
            });
        },
        .row_next = [](void* p, const imgsrv_call* call, imgsrv_error* err) noexcept -> std::int32_t {
            return guarded_count<std::int32_t>(err, [&] { return result(p).next(Call(call)) ? 1 : 0; });
        },
        .row_width = [](void* p) noexcept -> std::size_t { return result(p).width(); },
        .row_get = [](void* p, std::size_t column, imgsrv_value* ret, imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] { *ret = result(p).get(column); });
        },
        .rows_close = [](void* p) noexcept { delete &result(p); },
        .migration_lock = [](void* p, const imgsrv_call* call, imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] { conn(p).migration_lock(Call(call)); });
        },
        .migration_unlock = [](void* p, const imgsrv_call* call, imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] { conn(p).migration_unlock(Call(call)); });
        },
        .interrupt = [](void* p) noexcept { conn(p).interrupt(); },
    };

    static constexpr bool kNotifies = requires(Connection & c, const Call& call) { c.next_notification(call); };

    static const void* extension(const char* id) noexcept {
        if constexpr (kNotifies) {
            static constexpr imgsrv_ext_database_notifications notifications = {
                .struct_size = sizeof notifications,
                .reserved = 0,
                .listen = [](void* p, const imgsrv_call* call, imgsrv_str channel, imgsrv_error* err) noexcept
                -> imgsrv_code { return guarded(err, [&] { conn(p).listen(Call(call), view(channel)); }); },
                .next_notification = [](void* p, const imgsrv_call* call, imgsrv_str* ret_channel,
                                        imgsrv_error* err) noexcept -> imgsrv_code {
                    return guarded(err, [&] { *ret_channel = str(conn(p).next_notification(Call(call))); });
                },
            };
            if (std::strcmp(id, IMGSRV_EXT_DATABASE_NOTIFICATIONS) == 0) return &notifications;
        }
        if constexpr (requires { T::kLocalData; }) {
            if (std::strcmp(id, IMGSRV_EXT_LOCAL_DATA) == 0) return &T::kLocalData;
        }
        return nullptr;
    }
};

// For IMGSRV_PLUGIN. options: an OptionList, or kNoOptions.
template <class T, class Connection, class Rows>
constexpr imgsrv_component database(const char* name, const imgsrv_option* const* options, std::uint32_t flags = 0) {
    return component<T>(IMGSRV_KIND_DATABASE, name, options, &DatabaseTable<T, Connection, Rows>::table, flags,
                        &DatabaseTable<T, Connection, Rows>::extension);
}

}  // namespace imgsrv::sdk
