#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "fixture_routes.h"
#include "http/server.h"
#include "http_client.h"

namespace imgsrv::test {

// What the observer was told about one response.
struct Seen {
    http::Method method = http::Method::other;
    std::string target;
    std::string route;
    std::string request_id;
    int status = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    bool completed = false;
};

class Recorder final : public http::Observer {
  public:
    void on_loop_lag(std::chrono::nanoseconds) override {}
    void on_access(const http::AccessRecord& record) override;
    std::vector<Seen> all() const;
    // Waits until that many requests have ended; returns the last of them.
    Seen wait_for(std::size_t count) const;

  private:
    mutable std::mutex mutex_;
    std::vector<Seen> seen_;
};

// A folder that is deleted with the object.
class TemporaryFolder {
  public:
    TemporaryFolder();
    ~TemporaryFolder();
    const std::string& path() const { return path_; }
    // Writes a file and returns its path.
    std::string write(const std::string& name, std::string_view content) const;

  private:
    std::string path_;
};

// Waits up to ten seconds; whether the condition became true.
bool eventually(const std::function<bool()>& condition);

// A self-signed certificate for "localhost" with that serial number, and its key, as files in the folder.
struct CertificateFiles {
    std::string certificate;
    std::string key;
};
CertificateFiles make_certificate(const TemporaryFolder& folder, long serial);

// The fixture's routes behind a server of this process, on free ports of the loopback.
class HttpFixture {
  public:
    explicit HttpFixture(const http::Limits& limits = {});
    HttpClient client(int receive_buffer = 0) const { return HttpClient(address, receive_buffer); }
    HttpClient tls_client() const { return HttpClient(tls_address); }

    TemporaryFolder folder;
    FixtureState state;
    http::Router router;
    Recorder recorder;
    CertificateFiles certificate;
    http::Server server;
    std::string address;
    std::string tls_address;
};

}  // namespace imgsrv::test
