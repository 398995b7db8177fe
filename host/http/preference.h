#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace imgsrv::http {

// A weighted list as in Accept and Accept-Encoding (RFC 9110, section 12.4.2).
class Preferences {
  public:
    // Malformed elements count as absent; parameters other than q are ignored.
    explicit Preferences(std::string_view field);

    // The weight of this token, in any case of letters, in thousandths: 0 (never) to 1000. None: not listed.
    std::optional<int> quality(std::string_view token) const;

  private:
    std::vector<std::pair<std::string, int>> elements_;
};

}  // namespace imgsrv::http
