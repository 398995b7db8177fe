#include "services/catalogue/cached_text.h"

#include <utility>

#include "core/sha256.h"

namespace imgsrv::services {
namespace {

std::size_t index_of(Coding coding) {
    return static_cast<std::size_t>(coding);
}

}  // namespace

CachedText::CachedText(std::string text) : hash_(sha256_hex(text).substr(0, 32)) {
    forms_[0] = {Coding::identity, std::make_shared<const std::string>(std::move(text)), "\"" + hash_ + "\""};
    made_[0] = true;
}

const CachedText::Form* CachedText::find(Coding coding) const {
    const std::size_t i = index_of(coding);
    return made_.at(i).load(std::memory_order_acquire) ? &forms_.at(i) : nullptr;
}

const CachedText::Form& CachedText::get(Coding coding) const {
    const std::size_t i = index_of(coding);
    const std::lock_guard lock(making_.at(i));
    if (const Form* made = find(coding)) return *made;
    auto coded = compress(coding, *identity().body, Effort::cached);
    Form& form = forms_.at(i);
    if (coded && coded->size() < identity().body->size())
        form = {coding, std::make_shared<const std::string>(std::move(*coded)),
                "\"" + hash_ + "-" + std::string(to_string(coding)) + "\""};
    else
        form = identity();
    made_.at(i).store(true, std::memory_order_release);
    return form;
}

}  // namespace imgsrv::services
