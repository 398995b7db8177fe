#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status.h"
#include "http/message.h"

namespace imgsrv::api {

// One JSON object of a request. Every error is invalid_argument and names the member, at any depth ("parts[2].etag").
class RequestJson {
  public:
    // Reads the body: unsupported_media_type unless it is application/json, too_large over the limit, invalid_argument
    // when it is not one JSON object or has a member that is not allowed.
    static Result<RequestJson> read(http::Request& request, std::size_t max_bytes,
                                    std::initializer_list<std::string_view> allowed);

    // For requests that need no body: none, or an object without members.
    static Status read_nothing(http::Request& request, std::size_t max_bytes);

    Result<std::string> string(std::string_view member) const;
    // Absent and null are the same.
    Result<std::optional<std::string>> optional_string(std::string_view member) const;
    Result<std::int64_t> integer(std::string_view member) const;
    Result<bool> boolean(std::string_view member) const;
    // An array of strings; empty when absent.
    Result<std::vector<std::string>> optional_strings(std::string_view member, std::size_t max) const;
    // An object as JSON text; none when absent.
    Result<std::optional<std::string>> optional_object(std::string_view member) const;
    // Each element must be an object with only these members.
    Result<std::vector<RequestJson>> objects(std::string_view member, std::size_t max,
                                             std::initializer_list<std::string_view> allowed) const;

  private:
    RequestJson(std::shared_ptr<const nlohmann::json> object, std::string path)
        : object_(std::move(object)), path_(std::move(path)) {}
    static Status check_members(const nlohmann::json& object, std::string_view path,
                                std::initializer_list<std::string_view> allowed);
    std::string where(std::string_view member) const { return path_ + std::string(member); }
    Result<const nlohmann::json*> find(std::string_view member) const;

    std::shared_ptr<const nlohmann::json> object_;
    std::string path_;  // "parts[2]." inside of an array
};

}  // namespace imgsrv::api
