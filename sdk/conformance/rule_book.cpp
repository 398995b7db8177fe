#include "conformance/rule_book.h"

#include <cstdio>

namespace imgsrv::conformance {

RuleBook& rule_book() {
    static RuleBook book;
    return book;
}

RuleBook::RuleBook() {
    table_.struct_size = sizeof table_;
    table_.ctx = this;
    table_.generation = [](void* ctx, const imgsrv_call*, std::int64_t* ret_generation,
                           imgsrv_error* error) noexcept -> imgsrv_code {
        auto& book = *static_cast<RuleBook*>(ctx);
        std::lock_guard lock(book.mutex_);
        ++book.asked_;
        if (const imgsrv_code code = book.answer(error); code != IMGSRV_OK) return code;
        *ret_generation = 1;
        return IMGSRV_OK;
    };
    table_.list = [](void* ctx, const imgsrv_call*, imgsrv_auth_rule_sink*, std::int64_t* ret_generation,
                     imgsrv_error* error) noexcept -> imgsrv_code {
        auto& book = *static_cast<RuleBook*>(ctx);
        std::lock_guard lock(book.mutex_);
        if (const imgsrv_code code = book.answer(error); code != IMGSRV_OK) return code;
        *ret_generation = 1;
        return IMGSRV_OK;
    };
}

void RuleBook::break_down(imgsrv_code code) {
    std::lock_guard lock(mutex_);
    broken_ = code;
}

int RuleBook::asked() const {
    std::lock_guard lock(mutex_);
    return asked_;
}

imgsrv_code RuleBook::answer(imgsrv_error* error) {
    if (broken_ != IMGSRV_OK && error != nullptr)
        std::snprintf(error->message, sizeof error->message, "%s", "the rule store is away");
    return broken_;
}

}  // namespace imgsrv::conformance
