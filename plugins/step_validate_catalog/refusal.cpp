#include "refusal.h"

namespace imgsrv_validate {
namespace {

constexpr std::size_t kMaxItems = 10;

std::string and_more(std::size_t count) {
    return count == 0 ? "" : "; and " + std::to_string(count) + " more";
}

}  // namespace

std::string list_message(std::string_view intro, const std::vector<std::string>& items, std::size_t limit) {
    std::string text(intro);
    std::size_t shown = 0;
    for (const std::string& item : items) {
        const std::string_view joint = shown == 0 ? ": " : "; ";
        const std::size_t rest = items.size() - shown - 1;
        const bool fits = text.size() + joint.size() + item.size() + and_more(rest).size() <= limit;
        if (shown == kMaxItems || (shown > 0 && !fits)) break;
        text.append(joint).append(item);
        ++shown;
    }
    text += and_more(items.size() - shown);
    if (text.size() > limit) text.resize(limit);
    return text;
}

}  // namespace imgsrv_validate
