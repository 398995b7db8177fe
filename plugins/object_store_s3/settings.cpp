#include "settings.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "sigv4.h"

namespace imgsrv::s3 {
namespace {

[[noreturn]] void refuse(const std::string& why) {
    throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, why);
}

bool is_ip_address(std::string_view name) {
    in_addr ignored{};
    return name.starts_with('[') || ::inet_pton(AF_INET, std::string(name).c_str(), &ignored) == 1;
}

// 3 to 63 of [a-z0-9.-] says S3; older stores also took capitals, '_' and more.
bool plausible_bucket(std::string_view name) {
    return name.size() >= 3 && name.size() <= 255 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
               return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
           });
}

struct HostAndPort {
    std::string_view name;  // an IPv6 address in brackets
    std::string_view port;  // empty: none
};

HostAndPort split(std::string_view endpoint, std::string_view authority) {
    const auto bad = [&] { refuse("option 'endpoint' is \"" + std::string(endpoint) + "\", not like host:port"); };
    const auto bracket = authority.starts_with('[') ? authority.find(']') : 0;
    if (bracket == std::string_view::npos) bad();
    const auto colon = authority.find(':', bracket);
    HostAndPort out{authority.substr(0, colon), {}};
    if (colon != std::string_view::npos) {
        out.port = authority.substr(colon + 1);
        const bool number =
            !out.port.empty() && out.port.size() <= 5 &&
            std::all_of(out.port.begin(), out.port.end(), [](unsigned char c) { return std::isdigit(c); });
        if (!number) bad();
    }
    const bool fits = !out.name.empty() && std::all_of(out.name.begin(), out.name.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || std::string_view(".-_[]:").find(static_cast<char>(c)) != std::string_view::npos;
    });
    if (!fits) bad();
    return out;
}

std::chrono::milliseconds positive_duration(const sdk::Config& config, const char* key) {
    const auto value = config.duration(key);
    if (value <= std::chrono::milliseconds::zero()) refuse(std::string("option '") + key + "' must be more than 0");
    return value;
}

}  // namespace

std::string Address::path(std::string_view key) const {
    std::string out = "/";
    if (path_style) out += percent_encode(bucket, false);
    if (key.empty()) return out;
    if (path_style) out += '/';
    return out += percent_encode(key, true);
}

std::string Address::url(std::string_view key, std::string_view query) const {
    std::string out = (tls ? "https://" : "http://") + authority() + path(key);
    if (!query.empty()) out.append("?").append(query);
    return out;
}

std::string Address::describe() const {
    return "bucket '" + bucket + "' at " + (tls ? "https://" : "http://") + host;
}

Address parse_address(std::string_view endpoint, std::string bucket, std::string region, bool use_tls,
                      bool path_style) {
    Address out;
    out.tls = use_tls;
    out.path_style = path_style;
    std::string_view authority = endpoint;
    if (const auto scheme = authority.find("://"); scheme != std::string_view::npos) {
        const auto name = authority.substr(0, scheme);
        if (name != "http" && name != "https")
            refuse("option 'endpoint' begins with \"" + std::string(name) + "://\"; it can be http:// or https://");
        out.tls = name == "https";
        authority.remove_prefix(scheme + 3);
    }
    if (authority.ends_with('/')) authority.remove_suffix(1);
    const auto [name, port] = split(endpoint, authority);
    out.host = name;
    std::transform(out.host.begin(), out.host.end(), out.host.begin(), [](unsigned char c) { return std::tolower(c); });
    // Clients leave the scheme's own port out of the header Host, which is signed.
    if (!port.empty() && port != (out.tls ? "443" : "80")) out.host.append(":").append(port);

    if (!plausible_bucket(bucket)) refuse("option 'bucket' is \"" + bucket + "\", which is no valid bucket name");
    if (!path_style && is_ip_address(name))
        refuse("option 'path_style' is false, but the endpoint is an IP address: a bucket name cannot go before it");
    if (region.empty()) refuse("option 'region' must not be empty; \"us-east-1\" suits most stores that have none");
    out.bucket = std::move(bucket);
    out.region = std::move(region);
    return out;
}

Settings read_settings(const sdk::Config& config) {
    Settings s;
    s.address = parse_address(config.text("endpoint"), config.text("bucket"), config.text("region"),
                              config.boolean("use_tls"), config.boolean("path_style"));
    s.ca_file = config.find_text("ca_file").value_or("");
    if (!s.ca_file.empty() && ::access(s.ca_file.c_str(), R_OK) != 0) refuse("option 'ca_file' names no readable file");
    s.connect = positive_duration(config, "connect_timeout");
    s.inactivity = positive_duration(config, "inactivity_timeout");
    s.answer = positive_duration(config, "request_timeout");
    s.server_work = positive_duration(config, "copy_timeout");
    s.attempts = static_cast<int>(std::clamp<std::int64_t>(config.integer("attempts"), 1, 20));
    s.idle_connections =
        static_cast<std::size_t>(std::clamp<std::int64_t>(config.integer("idle_connections"), 0, 1024));
    s.sign_payload = config.boolean("sign_payload");
    s.spool_folder = config.text("spool_folder");
    return s;
}

}  // namespace imgsrv::s3
