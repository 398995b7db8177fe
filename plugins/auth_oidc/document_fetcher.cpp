#include "document_fetcher.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

#include "issuer_url.h"

namespace imgsrv::oidc {
namespace {

struct CurlDeleter {
    void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};
using Handle = std::unique_ptr<CURL, CurlDeleter>;

struct Body {
    std::string text;
    bool too_large = false;
};

std::size_t keep(char* data, std::size_t size, std::size_t count, void* ctx) {
    auto& body = *static_cast<Body*>(ctx);
    if (body.text.size() + size * count > DocumentFetcher::kMostBytes) {
        body.too_large = true;
        return 0;
    }
    // No exception may pass through a C library.
    return sdk::guarded(nullptr, [&] { body.text.append(data, size * count); }) == IMGSRV_OK ? size * count : 0;
}

// libcurl asks at least once a second.
int is_cancelled(void* ctx, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<const sdk::Call*>(ctx)->cancelled() ? 1 : 0;
}

sdk::Failure unavailable(const std::string& url, const std::string& why) {
    return sdk::Failure(IMGSRV_UNAVAILABLE, "'" + url + "' cannot be read: " + why).with_retryable();
}

}  // namespace

DocumentFetcher::DocumentFetcher(std::string ca_file, std::chrono::milliseconds timeout)
    : ca_file_(std::move(ca_file)), timeout_(timeout) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        throw sdk::Failure(IMGSRV_INTERNAL, "libcurl cannot be initialised");
}

std::string DocumentFetcher::get(const sdk::Call& call, const std::string& url) {
    call.throw_if_cancelled();
    auto limit = timeout_;
    if (const auto left = call.remaining())
        limit = std::min(limit,
                         std::chrono::duration_cast<std::chrono::milliseconds>(*left) + std::chrono::milliseconds(1));
    const Handle curl(curl_easy_init());
    if (!curl) throw std::bad_alloc();
    Body body;
    const auto set = [&](CURLoption option, auto value) {
        if (curl_easy_setopt(curl.get(), option, value) != CURLE_OK)
            throw sdk::Failure(IMGSRV_INTERNAL, "libcurl refuses the option " + std::to_string(option));
    };
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(limit.count()));
    set(CURLOPT_MAXFILESIZE, static_cast<long>(kMostBytes));
    set(CURLOPT_WRITEFUNCTION, keep);
    set(CURLOPT_WRITEDATA, &body);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, is_cancelled);
    set(CURLOPT_XFERINFODATA, &call);
    set(CURLOPT_USERAGENT, "imgsrv");
    if (!ca_file_.empty()) set(CURLOPT_CAINFO, ca_file_.c_str());
    // A proxy is for other hosts, not for this machine.
    if (is_on_loopback(url)) set(CURLOPT_PROXY, "");

    const CURLcode code = curl_easy_perform(curl.get());
    call.throw_if_cancelled();
    if (body.too_large || code == CURLE_FILESIZE_EXCEEDED)
        throw unavailable(url, "it is longer than " + std::to_string(kMostBytes) + " bytes");
    if (code != CURLE_OK) throw unavailable(url, curl_easy_strerror(code));
    long status = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status >= 300 && status < 400) throw unavailable(url, "it redirects, and redirects are not followed");
    if (status != 200) throw unavailable(url, "the answer is " + std::to_string(status));
    return std::move(body.text);
}

}  // namespace imgsrv::oidc
