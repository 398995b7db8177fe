#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace imgsrv_validate {

// "<intro>: <item>; <item>; and 7 more", with as many items as fit: at most ten, and no more than `limit` bytes in all.
// No item is cut, except the first when it does not fit alone.
std::string list_message(std::string_view intro, const std::vector<std::string>& items, std::size_t limit);

}  // namespace imgsrv_validate
