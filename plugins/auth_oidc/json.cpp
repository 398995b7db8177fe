#include "json.h"

#include <set>
#include <string>
#include <vector>

namespace imgsrv::oidc {

std::optional<Json> parse_object(std::string_view text) {
    bool sound = true;
    std::vector<std::set<std::string>> members;  // of the objects that are open
    const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
        switch (event) {
            case Json::parse_event_t::object_start:
                members.emplace_back();
                sound = sound && depth < kMostJsonLevels;
                break;
            case Json::parse_event_t::array_start:
                sound = sound && depth < kMostJsonLevels;
                break;
            case Json::parse_event_t::object_end:
                members.pop_back();
                break;
            case Json::parse_event_t::key:
                sound = sound && members.back().insert(value.get_ref<const std::string&>()).second;
                break;
            default:
                break;
        }
        // Values of a document that is refused are not kept.
        return sound;
    };
    Json json = Json::parse(text, watch, false);
    if (!sound || !json.is_object()) return std::nullopt;
    return json;
}

const std::string* find_string(const Json& object, const char* member) {
    const auto it = object.find(member);
    return it == object.end() ? nullptr : it->get_ptr<const std::string*>();
}

}  // namespace imgsrv::oidc
