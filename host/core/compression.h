#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace imgsrv {

// The supported content codings (RFC 9110, section 8.4.1; br: RFC 7932). deflate is the zlib format.
enum class Coding { identity, deflate, gzip, br };
inline constexpr std::size_t kCodings = 4;

// The registered name: "gzip".
std::string_view to_string(Coding coding);

enum class Effort {
    fast,    // for one answer: about 200 MB/s
    cached,  // for a text that is compressed once and sent often: 60 to 100 MB/s
};

// The text in that coding; unchanged for identity. None when the codec runs out of memory. Needs at most about the
// text's size plus 8 MiB. [any]
std::optional<std::string> compress(Coding coding, std::string_view text, Effort effort);

}  // namespace imgsrv
