#pragma once

#include <curl/curl.h>

#include <memory>
#include <mutex>
#include <vector>

#include "settings.h"

namespace imgsrv::s3 {

// A connection to the store that outlives its requests. libcurl keeps it inside of a pair of handles.
class Connection {
  public:
    explicit Connection(const Settings& settings);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    CURL* easy() const { return easy_.get(); }
    CURLM* multi() const { return multi_.get(); }
    // Forgets the previous request and sets what all requests have in common. The connection itself stays.
    void reset();
    // Sets an option of the next request. Throws INTERNAL when libcurl refuses it.
    template <class T>
    void set(CURLoption option, T value) {
        if (const CURLcode code = curl_easy_setopt(easy_.get(), option, value); code != CURLE_OK) refuse(option, code);
    }

  private:
    [[noreturn]] static void refuse(CURLoption option, CURLcode code);

    struct FreeEasy {
        void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
    };
    struct FreeMulti {
        void operator()(CURLM* handle) const noexcept { curl_multi_cleanup(handle); }
    };
    const Settings& settings_;
    std::unique_ptr<CURLM, FreeMulti> multi_;
    std::unique_ptr<CURL, FreeEasy> easy_;
};

// Idle connections, the latest first. Any number may be in use; a bounded number is kept. [any]
class ConnectionPool {
  public:
    explicit ConnectionPool(const Settings& settings) : settings_(settings) {}

    std::unique_ptr<Connection> take();
    void give_back(std::unique_ptr<Connection> connection);

  private:
    const Settings& settings_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace imgsrv::s3
