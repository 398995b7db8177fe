#include "client/paging.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace imgsrv::client {
namespace {

using nlohmann::json;

const json* items_of(const json& document) {
    if (document.is_array()) return &document;
    if (document.is_object())
        for (const json& member : document)
            if (member.is_array()) return &member;
    return nullptr;
}

}  // namespace

std::string next_link(std::string_view field) {
    while (true) {
        const std::size_t open = field.find('<');
        const std::size_t close = field.find('>', open);
        if (open == std::string_view::npos || close == std::string_view::npos) return {};
        const std::string_view target = field.substr(open + 1, close - open - 1);
        field.remove_prefix(close + 1);
        const std::size_t end = field.find(",");
        const std::string_view parameters = field.substr(0, end);
        if (parameters.find("rel=\"next\"") != std::string_view::npos ||
            parameters.find("rel=next") != std::string_view::npos)
            return std::string(target);
        if (end == std::string_view::npos) return {};
        field.remove_prefix(end + 1);
    }
}

Result<json> list_all(HttpClient& http, const std::string& path) {
    json all = json::array();
    std::string next = path + (path.find('?') == std::string::npos ? "?" : "&") + "limit=1000";
    while (!next.empty()) {
        IMGSRV_ASSIGN(const Reply reply,
                      http.send({.path = std::exchange(next, {}), .json = {}, .file = {}, .cancel = {}}));
        IMGSRV_TRY(status_of(reply));
        const json document = json::parse(reply.body, nullptr, false);
        const json* items = items_of(document);
        if (items == nullptr) return Status(Code::internal, "the server's answer to " + path + " is not a list");
        all.insert(all.end(), items->begin(), items->end());
        if (const auto link = reply.headers.find("link"); link != reply.headers.end()) next = next_link(link->second);
        // The link may be absolute and name the server as it sees itself; only its path and query matter.
        if (const std::size_t scheme = next.find("://"); scheme != std::string::npos)
            next.erase(0, next.find('/', scheme + 3));
        if (!next.starts_with('/')) next.clear();
        if (items->empty()) break;
    }
    return all;
}

}  // namespace imgsrv::client
