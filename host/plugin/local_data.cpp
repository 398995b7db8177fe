#include "plugin/local_data.h"

#include <imgsrv/local_data.h>

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace imgsrv::plugin {
namespace {

constexpr std::size_t kLeastSize = offsetof(imgsrv_ext_local_data, companions) + sizeof(const char* const*);
constexpr std::size_t kLongestName = 64;
constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

std::string text(const char* from) {
    return from ? from : "";
}

bool is_file_name(std::string_view name) {
    return !name.empty() && name.size() <= kLongestName && name != "." && name != ".." &&
           name.find_first_not_of(kNameCharacters) == std::string_view::npos;
}

bool declares(const ComponentInfo& component, std::string_view key, OptionType type) {
    const auto option = std::ranges::find(component.options, key, &OptionInfo::key);
    return option != component.options.end() && option->type == type && !option->secret;
}

// Empty: it keeps rule F1.
std::string fault_of(const ComponentInfo& component, const LocalData& data) {
    if (component.kind != Kind::object_store && component.kind != Kind::database)
        return "only an object store or a database can have it";
    if (!declares(component, data.place_option, OptionType::string))
        return "its place_option '" + data.place_option + "' is no option that takes a text";
    if (!data.read_only_option.empty() && !declares(component, data.read_only_option, OptionType::boolean))
        return "its read_only_option '" + data.read_only_option + "' is no option that is true or false";
    if (!is_file_name(data.default_name)) return "its default_name '" + data.default_name + "' is no file's name";
    for (const auto& ending : data.companions)
        if (!is_file_name(data.default_name + ending)) return "its companion '" + ending + "' is no ending of a name";
    if (data.snapshot && component.kind != Kind::database) return "only a database can have snapshots";
    return "";
}

}  // namespace

Result<std::optional<LocalData>> local_data_of(const LoadedComponent& component) {
    const auto extension = component.table->extension;
    const auto* table =
        extension ? static_cast<const imgsrv_ext_local_data*>(extension(IMGSRV_EXT_LOCAL_DATA)) : nullptr;
    if (!table || table->struct_size < kLeastSize) return std::optional<LocalData>();
    LocalData data;
    data.folder = (table->flags & IMGSRV_LOCAL_DATA_FOLDER) != 0;
    data.one_process = (table->flags & IMGSRV_LOCAL_DATA_ONE_PROCESS) != 0;
    data.snapshot = (table->flags & IMGSRV_LOCAL_DATA_SNAPSHOT) != 0;
    data.place_option = text(table->place_option);
    data.default_name = text(table->default_name);
    data.read_only_option = text(table->read_only_option);
    for (auto at = table->companions; at && *at; ++at) data.companions.emplace_back(*at);
    const std::string fault = fault_of(component.info, data);
    if (fault.empty()) return std::optional(std::move(data));
    return Status(Code::failed_precondition, "the " + std::string(to_string(component.info.kind)) + " component '" +
                                                 component.info.name + "' of plugin " + component.plugin_id +
                                                 " offers " + IMGSRV_EXT_LOCAL_DATA + ", but " + fault +
                                                 " (rule F1 of the plugin ABI)");
}

}  // namespace imgsrv::plugin
