#include "issuers.h"

namespace imgsrv::oidc {

std::shared_ptr<Issuer> Issuers::find(const std::string& url) const {
    const std::lock_guard lock(mutex_);
    const auto it = issuers_.find(url);
    return it == issuers_.end() ? nullptr : it->second;
}

void Issuers::set(const std::set<std::string>& urls) {
    const std::lock_guard lock(mutex_);
    std::erase_if(issuers_, [&](const auto& entry) { return !urls.contains(entry.first); });
    for (const std::string& url : urls)
        if (auto& issuer = issuers_[url]; !issuer)
            issuer = std::make_shared<Issuer>(url, source_, room_, host_, policy_);
}

void Issuers::refresh(const sdk::Call& call) {
    std::map<std::string, std::shared_ptr<Issuer>> all;
    {
        const std::lock_guard lock(mutex_);
        all = issuers_;
    }
    for (const auto& [url, issuer] : all) {
        call.throw_if_cancelled();
        issuer->refresh(call);
    }
}

}  // namespace imgsrv::oidc
