#pragma once

#include <chrono>
#include <cstddef>
#include <imgsrv/imgsrv.hpp>
#include <string>

namespace imgsrv::oidc {

// Where issuers' documents come from.
class DocumentSource {
  public:
    virtual ~DocumentSource() = default;
    // The body of a 200. Throws UNAVAILABLE, DEADLINE or CANCELLED, and says what went wrong without the body.
    virtual std::string get(const sdk::Call& call, const std::string& url) = 0;
};

// Fetches over HTTP with libcurl: no redirects, certificates verified, at most 1 MiB, within a time limit. [any]
class DocumentFetcher final : public DocumentSource {
  public:
    static constexpr std::size_t kMostBytes = 1024 * 1024;

    // ca_file: PEM certificates to trust in place of the system's; empty: the system's.
    DocumentFetcher(std::string ca_file, std::chrono::milliseconds timeout);

    std::string get(const sdk::Call& call, const std::string& url) override;

  private:
    std::string ca_file_;
    std::chrono::milliseconds timeout_;
};

}  // namespace imgsrv::oidc
