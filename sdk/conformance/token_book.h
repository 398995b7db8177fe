#pragma once

#include <imgsrv/auth.h>

#include <map>
#include <mutex>
#include <string>

namespace imgsrv::conformance {

// The token store that the kit offers to the components it creates, and what it saw them do. [any]
class TokenBook {
  public:
    struct Entry {
        std::string verifier, principal_id, display;
        std::int64_t expires_us = 0;
    };

    TokenBook();
    TokenBook(const TokenBook&) = delete;
    TokenBook& operator=(const TokenBook&) = delete;

    const imgsrv_token_store* table() const { return &table_; }

    void put(const std::string& token_id, Entry entry);
    void revoke(const std::string& token_id);
    // From now on find() fails with this code, which stands for a database that is away; OK: it works again.
    void break_down(imgsrv_code code);
    // How often used() was called since the last put() or revoke() of any token.
    int uses(const std::string& token_id) const;

  private:
    imgsrv_code find(imgsrv_str token_id, imgsrv_token_sink* out, imgsrv_error* error);

    mutable std::mutex mutex_;
    std::map<std::string, Entry> entries_;
    std::map<std::string, int> uses_;
    imgsrv_code broken_ = IMGSRV_OK;
    imgsrv_token_store table_{};
};

// The one book of this process.
TokenBook& token_book();

}  // namespace imgsrv::conformance
