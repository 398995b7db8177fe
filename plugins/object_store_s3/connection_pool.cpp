#include "connection_pool.h"

#include <new>
#include <string>
#include <utility>

namespace imgsrv::s3 {
namespace {

constexpr long kUploadBuffer = 256 * 1024;
constexpr long kDownloadBuffer = 128 * 1024;
// Servers close idle connections after a minute or so; older ones are not reused.
constexpr long kMaxIdleSeconds = 45;
// How long to wait for "100 Continue" before the body is sent anyway.
constexpr long kContinueMs = 1000;

void start_libcurl() {
    static const CURLcode kStarted = curl_global_init(CURL_GLOBAL_ALL);
    if (kStarted != CURLE_OK) throw sdk::Failure(IMGSRV_INTERNAL, "libcurl cannot be initialised");
}

}  // namespace

Connection::Connection(const Settings& settings) : settings_(settings) {
    start_libcurl();
    multi_.reset(curl_multi_init());
    easy_.reset(curl_easy_init());
    if (!multi_ || !easy_) throw std::bad_alloc();
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, 1L);
}

void Connection::reset() {
    curl_easy_reset(easy_.get());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // a hanging name lookup does not outlast the call
    set(CURLOPT_PROTOCOLS_STR, settings_.address.tls ? "https" : "http");
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings_.connect.count()));
    set(CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_EXPECT_100_TIMEOUT_MS, kContinueMs);
    set(CURLOPT_UPLOAD_BUFFERSIZE, kUploadBuffer);
    set(CURLOPT_BUFFERSIZE, kDownloadBuffer);
    if (settings_.address.tls) {
        set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
        if (!settings_.ca_file.empty()) set(CURLOPT_CAINFO, settings_.ca_file.c_str());
    }
}

void Connection::refuse(CURLoption option, CURLcode code) {
    throw sdk::Failure(IMGSRV_INTERNAL,
                       "libcurl refuses option " + std::to_string(option) + ": " + curl_easy_strerror(code));
}

std::unique_ptr<Connection> ConnectionPool::take() {
    {
        const std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            auto connection = std::move(idle_.back());
            idle_.pop_back();
            return connection;
        }
    }
    return std::make_unique<Connection>(settings_);
}

void ConnectionPool::give_back(std::unique_ptr<Connection> connection) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < settings_.idle_connections) idle_.push_back(std::move(connection));
}

}  // namespace imgsrv::s3
