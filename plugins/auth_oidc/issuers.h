#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "issuer.h"

namespace imgsrv::oidc {

// The issuers that rules name. [any]
class Issuers {
  public:
    Issuers(DocumentSource& source, sdk::Host host, const FetchPolicy& policy)
        : source_(source), host_(host), policy_(policy) {}

    // Null: no rule names it.
    std::shared_ptr<Issuer> find(const std::string& url) const;
    // Replaces the issuers; those that stay keep their keys.
    void set(const std::set<std::string>& urls);
    // Fetches the keys of each issuer when they are due.
    void refresh(const sdk::Call& call);

  private:
    DocumentSource& source_;
    WaitingRoom room_;
    const sdk::Host host_;
    const FetchPolicy policy_;
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Issuer>> issuers_;
};

}  // namespace imgsrv::oidc
