#pragma once

#include <imgsrv/auth.h>

#include <mutex>

namespace imgsrv::conformance {

// The rule store that the kit offers to the components it creates: it has no rules. [any]
class RuleBook {
  public:
    RuleBook();
    RuleBook(const RuleBook&) = delete;
    RuleBook& operator=(const RuleBook&) = delete;

    const imgsrv_rule_store* table() const { return &table_; }

    // From now on every function fails with this code, which stands for a database that is away; OK: they work again.
    void break_down(imgsrv_code code);
    // How often generation() was called.
    int asked() const;

  private:
    imgsrv_code answer(imgsrv_error* error);

    mutable std::mutex mutex_;
    int asked_ = 0;
    imgsrv_code broken_ = IMGSRV_OK;
    imgsrv_rule_store table_{};
};

// The one book of this process.
RuleBook& rule_book();

}  // namespace imgsrv::conformance
