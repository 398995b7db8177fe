#include "plugin/table_check.h"

#include <imgsrv/auth.h>
#include <imgsrv/database.h>
#include <imgsrv/object_store.h>
#include <imgsrv/publish_step.h>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

#include "plugin/kind.h"

// The size a struct had in minor version 0, whose last member was m. A plugin's struct may be longer, never shorter.
// NOLINTNEXTLINE(bugprone-macro-parentheses): m is the name of a member.
#define IMGSRV_SIZE_V1_0(type, m) (offsetof(type, m) + sizeof(static_cast<type*>(nullptr)->m))

namespace imgsrv::plugin {
namespace {

using Members = std::vector<std::pair<std::string_view, bool>>;  // name of a mandatory function, whether it is there

Status refuse(std::string why) {
    return {Code::failed_precondition, std::move(why)};
}
bool blank(const char* text) {
    return !text || !*text;
}

std::string version(unsigned major, unsigned minor) {
    return std::to_string(major) + "." + std::to_string(minor);
}

Status too_small(const std::string& what, std::uint32_t size, std::size_t least) {
    return refuse("has " + what + " of " + std::to_string(size) + " bytes where ABI 1.0 has " + std::to_string(least));
}

Status require(const std::string& who, const Members& members) {
    for (const auto& [name, there] : members)
        if (!there) return refuse("leaves out the mandatory function " + std::string(name) + "() of " + who);
    return {};
}

template <class Table>
Status require_size(const std::string& who, const Table& table, std::size_t least) {
    if (table.struct_size < least) return too_small("a function table of " + who, table.struct_size, least);
    return {};
}

Status check_table(const std::string& who, const imgsrv_object_store& t) {
    IMGSRV_TRY(require_size(who, t, IMGSRV_SIZE_V1_0(imgsrv_object_store, mp_list)));
    return require(who, {{"caps", t.caps},
                         {"stat", t.stat},
                         {"open", t.open},
                         {"put", t.put},
                         {"copy", t.copy},
                         {"remove", t.remove},
                         {"list", t.list},
                         {"mp_create", t.mp_create},
                         {"mp_put_part", t.mp_put_part},
                         {"mp_complete", t.mp_complete},
                         {"mp_abort", t.mp_abort},
                         {"mp_list", t.mp_list}});
}

Status check_table(const std::string& who, const imgsrv_database& t) {
    IMGSRV_TRY(require_size(who, t, IMGSRV_SIZE_V1_0(imgsrv_database, interrupt)));
    if (blank(t.dialect)) return refuse("names no dialect in " + who);
    return require(who, {{"connect", t.connect},
                         {"disconnect", t.disconnect},
                         {"reset", t.reset},
                         {"begin", t.begin},
                         {"commit", t.commit},
                         {"rollback", t.rollback},
                         {"script", t.script},
                         {"query", t.query},
                         {"row_next", t.row_next},
                         {"row_width", t.row_width},
                         {"row_get", t.row_get},
                         {"rows_close", t.rows_close},
                         {"migration_lock", t.migration_lock},
                         {"migration_unlock", t.migration_unlock},
                         {"interrupt", t.interrupt}});
}

Status check_table(const std::string& who, const imgsrv_auth& t) {
    IMGSRV_TRY(require_size(who, t, IMGSRV_SIZE_V1_0(imgsrv_auth, tick)));
    IMGSRV_TRY(require(who, {{"authenticate", t.authenticate}}));
    if (t.tick_interval_ms != 0 && !t.tick) return refuse("asks for ticks but leaves out tick() of " + who);
    return {};
}

Status check_table(const std::string& who, const imgsrv_publish_step& t) {
    IMGSRV_TRY(require_size(who, t, IMGSRV_SIZE_V1_0(imgsrv_publish_step, render)));
    IMGSRV_TRY(require(who, {{"run", t.run}}));
    std::vector<std::string_view> paths;
    for (auto at = t.documents; at && *at; ++at) {
        const imgsrv_document& d = **at;
        if (d.struct_size < IMGSRV_SIZE_V1_0(imgsrv_document, content_type))
            return too_small("a document in " + who, d.struct_size, IMGSRV_SIZE_V1_0(imgsrv_document, content_type));
        if (blank(d.path) || d.path[0] != '/' || blank(d.content_type))
            return refuse("has a document without an absolute path or a content type in " + who);
        if (std::ranges::find(paths, d.path) != paths.end())
            return refuse("has the document '" + std::string(d.path) + "' twice in " + who);
        paths.emplace_back(d.path);
    }
    if (!paths.empty() && !t.render) return refuse("has documents but leaves out render() of " + who);
    return {};
}

Status check_options(const std::string& who, const imgsrv_option* const* options) {
    std::vector<std::string_view> keys;
    for (auto at = options; at && *at; ++at) {
        const imgsrv_option& o = **at;
        if (o.struct_size < IMGSRV_SIZE_V1_0(imgsrv_option, help))
            return too_small("an option in " + who, o.struct_size, IMGSRV_SIZE_V1_0(imgsrv_option, help));
        if (blank(o.key)) return refuse("has an option without a key in " + who);
        const std::string name = "option '" + std::string(o.key) + "' of " + who;
        if (std::string_view(o.key).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") !=
            std::string_view::npos)
            return refuse("declares " + name + ", whose key is not snake_case");
        if (o.type < IMGSRV_OPT_STRING || o.type > IMGSRV_OPT_STRING_LIST)
            return refuse("declares " + name + " with type " + std::to_string(o.type) +
                          ", which this host does not know");
        if ((o.flags & IMGSRV_OPT_SECRET) != 0 && o.type != IMGSRV_OPT_STRING)
            return refuse("declares " + name + " as a secret, which only a string can be");
        if (std::ranges::find(keys, o.key) != keys.end()) return refuse("declares " + name + " twice");
        keys.emplace_back(o.key);
    }
    return {};
}

Status check_component(const imgsrv_component& c) {
    const std::string who = std::string(to_string(static_cast<Kind>(c.kind))) + " component '" + c.name + "'";
    IMGSRV_TRY(require(who, {{"create", c.create}, {"destroy", c.destroy}}));
    if (!c.vtable) return refuse("gives no function table for " + who);
    IMGSRV_TRY(check_options(who, c.options));
    switch (static_cast<Kind>(c.kind)) {
        case Kind::object_store:
            return check_table(who, *static_cast<const imgsrv_object_store*>(c.vtable));
        case Kind::database:
            return check_table(who, *static_cast<const imgsrv_database*>(c.vtable));
        case Kind::auth:
            return check_table(who, *static_cast<const imgsrv_auth*>(c.vtable));
        case Kind::publish_step:
            return check_table(who, *static_cast<const imgsrv_publish_step*>(c.vtable));
    }
    return {};
}

}  // namespace

bool known_kind(const imgsrv_component& component) {
    return component.kind >= IMGSRV_KIND_OBJECT_STORE && component.kind <= IMGSRV_KIND_PUBLISH_STEP;
}

Status check_plugin_table(const imgsrv_plugin& t, std::vector<std::string>& skipped) {
    if (t.magic != IMGSRV_PLUGIN_MAGIC) return refuse("has a plugin table with the wrong magic number");
    // Nothing but magic, struct_size and the major stands still across majors, so these come first.
    if (t.abi_major != IMGSRV_ABI_MAJOR)
        return refuse("is built for plugin ABI " + version(t.abi_major, t.abi_minor) + "; this host speaks " +
                      version(IMGSRV_ABI_MAJOR, IMGSRV_ABI_MINOR));
    if (t.struct_size < IMGSRV_SIZE_V1_0(imgsrv_plugin, components))
        return too_small("a plugin table", t.struct_size, IMGSRV_SIZE_V1_0(imgsrv_plugin, components));
    if (t.host_minor_min > IMGSRV_ABI_MINOR)
        return refuse("needs a host with plugin ABI " + version(IMGSRV_ABI_MAJOR, t.host_minor_min) +
                      " or later; this host speaks " + version(IMGSRV_ABI_MAJOR, IMGSRV_ABI_MINOR));
    if (blank(t.id)) return refuse("gives no plugin id");
    if (blank(t.version)) return refuse("gives no plugin version");
    if (!t.components || !*t.components) return refuse("has no components");

    std::vector<std::pair<std::int32_t, std::string_view>> names;
    bool usable = false;
    for (auto at = t.components; *at; ++at) {
        const imgsrv_component& c = **at;
        if (c.struct_size < IMGSRV_SIZE_V1_0(imgsrv_component, extension))
            return too_small("a component", c.struct_size, IMGSRV_SIZE_V1_0(imgsrv_component, extension));
        if (blank(c.name)) return refuse("has a component without a name");
        if (!known_kind(c)) {
            // A later minor may add kinds; the plugin said with host_minor_min that it can do without.
            skipped.push_back("component '" + std::string(c.name) + "' is of kind " + std::to_string(c.kind) +
                              ", which this host does not know");
            continue;
        }
        IMGSRV_TRY(check_component(c));
        if (std::ranges::find(names, std::pair(c.kind, std::string_view(c.name))) != names.end())
            return refuse("has two " + std::string(to_string(static_cast<Kind>(c.kind))) + " components named '" +
                          c.name + "'");
        names.emplace_back(c.kind, c.name);
        usable = true;
    }
    if (!usable) return refuse("has only components of kinds this host does not know");
    return {};
}

}  // namespace imgsrv::plugin
