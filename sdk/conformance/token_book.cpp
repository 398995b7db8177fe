#include "conformance/token_book.h"

#include <cstdio>

namespace imgsrv::conformance {

TokenBook& token_book() {
    static TokenBook book;
    return book;
}

TokenBook::TokenBook() {
    table_.struct_size = sizeof table_;
    table_.ctx = this;
    table_.find = [](void* ctx, const imgsrv_call*, imgsrv_str token_id, imgsrv_token_sink* out,
                     imgsrv_error* error) noexcept { return static_cast<TokenBook*>(ctx)->find(token_id, out, error); };
    table_.used = [](void* ctx, const imgsrv_call*, imgsrv_str token_id) noexcept {
        auto& book = *static_cast<TokenBook*>(ctx);
        std::lock_guard lock(book.mutex_);
        ++book.uses_[std::string(token_id.ptr, token_id.len)];
    };
}

void TokenBook::put(const std::string& token_id, Entry entry) {
    std::lock_guard lock(mutex_);
    entries_[token_id] = std::move(entry);
    uses_.clear();
}

void TokenBook::revoke(const std::string& token_id) {
    std::lock_guard lock(mutex_);
    entries_.erase(token_id);
    uses_.clear();
}

void TokenBook::break_down(imgsrv_code code) {
    std::lock_guard lock(mutex_);
    broken_ = code;
}

int TokenBook::uses(const std::string& token_id) const {
    std::lock_guard lock(mutex_);
    const auto found = uses_.find(token_id);
    return found == uses_.end() ? 0 : found->second;
}

imgsrv_code TokenBook::find(imgsrv_str token_id, imgsrv_token_sink* out, imgsrv_error* error) {
    std::lock_guard lock(mutex_);
    const auto refuse = [&](imgsrv_code code, const char* message) {
        if (error != nullptr) std::snprintf(error->message, sizeof error->message, "%s", message);
        return code;
    };
    if (broken_ != IMGSRV_OK) return refuse(broken_, "the token store is away");
    const auto found = entries_.find(std::string(token_id.ptr, token_id.len));
    if (found == entries_.end()) return refuse(IMGSRV_NOT_FOUND, "no such token");
    const auto& e = found->second;
    const auto lend = [](const std::string& s) { return imgsrv_str{s.data(), s.size()}; };
    const imgsrv_token_record record{sizeof record,   0,           token_id, lend(e.verifier), lend(e.principal_id),
                                     lend(e.display), e.expires_us};
    out->set(out->ctx, &record);
    return IMGSRV_OK;
}

}  // namespace imgsrv::conformance
