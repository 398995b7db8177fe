#include "issuer_url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>

#include <algorithm>
#include <memory>

namespace imgsrv::oidc {
namespace {

constexpr std::size_t kMostUrlBytes = 1024;

struct UrlDeleter {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlDeleter>;

// Parsed by the library that will fetch it, so that the two cannot disagree.
Url parse(std::string_view text) {
    Url url(curl_url());
    if (!url || curl_url_set(url.get(), CURLUPART_URL, std::string(text).c_str(), 0) != CURLUE_OK) return nullptr;
    return url;
}

std::string part(const Url& url, CURLUPart which) {
    char* text = nullptr;
    if (curl_url_get(url.get(), which, &text, 0) != CURLUE_OK) return {};
    std::string copy(text);
    curl_free(text);
    return copy;
}

bool is_loopback(const std::string& host) {
    if (host == "localhost" || host == "[::1]") return true;
    // libcurl writes every form of an IPv4 address as four numbers; anything else is a name that a resolver is asked
    // for.
    in_addr address{};
    return inet_pton(AF_INET, host.c_str(), &address) == 1 && ntohl(address.s_addr) >> 24U == IN_LOOPBACKNET;
}

std::string common_complaint(std::string_view text) {
    if (text.size() > kMostUrlBytes)
        return "the URL has " + std::to_string(text.size()) + " bytes; the limit is " + std::to_string(kMostUrlBytes);
    if (std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c > '~'; }))
        return "the URL has a blank or a character that is not ASCII";
    // libcurl takes one slash and three for two.
    const auto authority = text.find("://");
    const bool two_slashes = authority != std::string_view::npos && text.substr(authority + 3, 1) != "/";
    const Url url = two_slashes ? parse(text) : nullptr;
    if (!url) return "this is no URL";
    const std::string scheme = part(url, CURLUPART_SCHEME);
    const std::string host = part(url, CURLUPART_HOST);
    if (host.empty()) return "the URL has no host";
    if (scheme != "https" && !(scheme == "http" && is_loopback(host)))
        return "the URL must be https; http is only for this machine itself (127.0.0.1, [::1], localhost)";
    if (!part(url, CURLUPART_USER).empty() || !part(url, CURLUPART_PASSWORD).empty())
        return "the URL must not have a user or a password";
    return {};
}

}  // namespace

std::string url_complaint(std::string_view text) {
    if (std::string complaint = common_complaint(text); !complaint.empty()) return complaint;
    if (text.find('?') != std::string_view::npos || text.find('#') != std::string_view::npos)
        return "the URL must not have a query or a fragment";
    return {};
}

bool is_on_loopback(std::string_view text) {
    return common_complaint(text).empty() && is_loopback(part(parse(text), CURLUPART_HOST));
}

std::string key_url_complaint(std::string_view text, std::string_view issuer) {
    if (std::string complaint = common_complaint(text); !complaint.empty()) return complaint;
    if (is_on_loopback(text) && !is_on_loopback(issuer)) return "it is on this machine and the issuer is not";
    return {};
}

std::string discovery_url(std::string_view issuer) {
    while (issuer.ends_with('/')) issuer.remove_suffix(1);
    return std::string(issuer) + "/.well-known/openid-configuration";
}

}  // namespace imgsrv::oidc
