#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"

namespace imgsrv::domain {

enum class Action { content_write, auth_manage };

struct Role {
    std::string_view id;
    std::string_view display_name;
    std::string_view description;
    Action action;
};

// The two roles there are; a principal may hold none, one or both.
inline constexpr std::array<Role, 2> kRoles = {{
    {"auth-manager", "Auth manager", "Manages principals, their roles and tokens, and provisioning rules.",
     Action::auth_manage},
    {"content-writer", "Content writer", "Uploads blobs, edits drafts, publishes versions and moves aliases.",
     Action::content_write},
}};

constexpr std::string_view to_string(Action action) {
    return action == Action::content_write ? "content.write" : "auth.manage";
}

// Null when there is no such role.
constexpr const Role* find_role(std::string_view id) {
    for (const Role& role : kRoles)
        if (role.id == id) return &role;
    return nullptr;
}

struct Principal {
    std::string id;
    std::string kind;  // user, service
    std::string display_name;
    std::optional<std::string> attributes;  // a JSON object
    std::vector<std::string> role_ids;
    Time created;
};

struct ApiToken {
    std::string id;
    std::string principal_id;
    std::optional<std::string> name;
    Time expires;
    Time created;
    std::optional<Time> last_used;
    std::optional<Time> revoked;
};

}  // namespace imgsrv::domain
