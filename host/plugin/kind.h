#pragma once

#include <cstdint>
#include <string_view>

namespace imgsrv::plugin {

// What a component is for; the values are those of IMGSRV_KIND_*.
enum class Kind : std::int32_t { object_store = 1, database = 2, auth = 3, publish_step = 4 };

constexpr std::string_view to_string(Kind kind) {
    switch (kind) {
        case Kind::object_store:
            return "object_store";
        case Kind::database:
            return "database";
        case Kind::auth:
            return "auth";
        case Kind::publish_step:
            return "publish_step";
    }
    return "unknown";
}

}  // namespace imgsrv::plugin
