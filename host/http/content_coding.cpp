#include "http/content_coding.h"

#include <algorithm>
#include <array>
#include <utility>

#include "http/preference.h"

namespace imgsrv::http {
namespace {

constexpr std::string_view kAcceptEncoding = "Accept-Encoding";

// How older clients spell gzip (RFC 9110, section 8.4.1.3).
constexpr std::string_view kOldGzip = "x-gzip";

bool ends_with(std::string_view text, std::string_view end) {
    return text.size() >= end.size() && same_token(text.substr(text.size() - end.size()), end);
}

void tag_coding(Headers& headers, Coding coding) {
    const std::string* etag = headers.find("ETag");
    if (etag == nullptr || !etag->ends_with('"')) return;
    headers.set("ETag", etag->substr(0, etag->size() - 1) + "-" + std::string(to_string(coding)) + "\"");
}

}  // namespace

bool is_text(std::string_view content_type) {
    std::string_view type = content_type.substr(0, content_type.find(';'));
    type = type.substr(0, type.find(' '));
    if (type.size() > 5 && same_token(type.substr(0, 5), "text/")) return true;
    static constexpr std::array<std::string_view, 5> kTypes = {"application/json", "application/yaml",
                                                               "application/xml", "application/javascript",
                                                               "application/openmetrics-text"};
    return std::any_of(kTypes.begin(), kTypes.end(), [&](auto known) { return same_token(type, known); }) ||
           ends_with(type, "+json") || ends_with(type, "+xml") || ends_with(type, "+yaml");
}

Coding choose_coding(const Headers& headers) {
    if (headers.find(kAcceptEncoding) == nullptr) return Coding::identity;
    const Preferences accepted(headers.joined(kAcceptEncoding));
    const auto any = accepted.quality("*");
    Coding best = Coding::identity;
    // Identity, if not listed, remains when everything else is refused.
    int weight = accepted.quality(to_string(Coding::identity)).value_or(0);
    for (const Coding coding : {Coding::deflate, Coding::gzip, Coding::br}) {
        auto quality = accepted.quality(to_string(coding));
        if (!quality && coding == Coding::gzip) quality = accepted.quality(kOldGzip);
        const int wanted = quality ? *quality : any.value_or(0);
        if (wanted == 0 || wanted < weight) continue;
        best = coding;
        weight = wanted;
    }
    return best;
}

void add_vary(Headers& headers) {
    const std::string others = headers.joined("Vary");
    headers.set("Vary", others.empty() ? std::string(kAcceptEncoding) : others + ", " + std::string(kAcceptEncoding));
}

void encode(const Request& request, Response& response) {
    auto* body = std::get_if<std::string>(&response.body);
    const std::string* type = response.headers.find("Content-Type");
    if (body == nullptr || body->size() < kLeastCoded || type == nullptr || !is_text(*type) ||
        response.headers.find("Content-Encoding") != nullptr || response.headers.find("Content-Range") != nullptr)
        return;
    add_vary(response.headers);
    const Coding coding = choose_coding(request.headers);
    if (coding == Coding::identity) return;
    auto coded = compress(coding, *body, Effort::fast);
    if (!coded || coded->size() >= body->size()) return;
    *body = std::move(*coded);
    response.headers.add("Content-Encoding", std::string(to_string(coding)));
    tag_coding(response.headers, coding);
}

}  // namespace imgsrv::http
