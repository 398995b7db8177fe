#include "sigv4.h"

#include <algorithm>
#include <cstdio>

namespace imgsrv::s3 {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";
// The SHA-256 of no bytes.
constexpr std::string_view kEmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

bool unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

std::string utc_timestamp(std::chrono::sys_seconds when) {
    const auto day = std::chrono::floor<std::chrono::days>(when);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(when - day);
    char text[32];
    std::snprintf(text, sizeof text, "%04d%02u%02uT%02d%02d%02dZ", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                  static_cast<int>(time.seconds().count()));
    return text;
}

// Without blanks at its ends, and with one blank for each run of them.
std::string canonical_value(std::string_view value) {
    std::string out;
    for (const char c : value) {
        const bool blank = c == ' ' || c == '\t';
        if (blank && (out.empty() || out.back() == ' ')) continue;
        out += blank ? ' ' : c;
    }
    if (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

}  // namespace

std::string percent_encode(std::string_view text, bool keep_slash) {
    static constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (unreserved(c) || (c == '/' && keep_slash)) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '%';
            out += kDigits[byte >> 4];
            out += kDigits[byte & 15];
        }
    }
    return out;
}

std::string canonical_query(const QueryParameters& parameters) {
    QueryParameters encoded;
    encoded.reserve(parameters.size());
    for (const auto& [name, value] : parameters)
        encoded.emplace_back(percent_encode(name, false), percent_encode(value, false));
    std::sort(encoded.begin(), encoded.end());
    std::string out;
    for (const auto& [name, value] : encoded) {
        if (!out.empty()) out += '&';
        out.append(name).append("=").append(value);
    }
    return out;
}

std::string signed_headers(const SignedRequest& request) {
    std::string out;
    for (const auto& [name, value] : request.headers) {
        if (!out.empty()) out += ';';
        out += name;
    }
    return out;
}

std::string canonical_request(const SignedRequest& request) {
    std::string out = request.method + '\n' + request.path + '\n' + request.query + '\n';
    for (const auto& [name, value] : request.headers)
        out.append(name).append(":").append(canonical_value(value)).append("\n");
    return out.append("\n").append(signed_headers(request)).append("\n").append(request.payload_hash);
}

Signer::Signer(const Credentials& credentials, std::string_view region, std::string_view service,
               std::chrono::sys_seconds now)
    : access_key_id_(credentials.access_key_id), timestamp_(utc_timestamp(now)) {
    const std::string day = timestamp_.substr(0, 8);
    scope_.append(day).append("/").append(region).append("/").append(service).append("/").append(kTerminator);
    const std::string secret = "AWS4" + credentials.secret_access_key;
    key_ = hmac_sha256(std::span(reinterpret_cast<const unsigned char*>(secret.data()), secret.size()), day);
    for (const std::string_view step : {region, service, kTerminator}) key_ = hmac_sha256(key_, step);
}

std::string Signer::signature(const SignedRequest& request) const {
    std::string text(kAlgorithm);
    text.append("\n").append(timestamp_).append("\n").append(scope_).append("\n");
    return hex(hmac_sha256(key_, text.append(sha256_hex(canonical_request(request)))));
}

std::string Signer::authorization(const SignedRequest& request) const {
    std::string value(kAlgorithm);
    value.append(" Credential=").append(access_key_id_).append("/").append(scope_);
    value.append(", SignedHeaders=").append(signed_headers(request));
    return value.append(", Signature=").append(signature(request));
}

std::string Signer::chunk_signature(std::string_view previous, std::string_view chunk_sha256_hex) const {
    std::string text(kAlgorithm);
    text.append("-PAYLOAD\n").append(timestamp_).append("\n").append(scope_).append("\n");
    text.append(previous).append("\n").append(kEmptyHash).append("\n").append(chunk_sha256_hex);
    return hex(hmac_sha256(key_, text));
}

}  // namespace imgsrv::s3
