#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace imgsrv::http {

// A list with weights, as Accept and Accept-Encoding carry it (RFC 9110, section 12.4.2).
class Preferences {
  public:
    // Elements that are malformed count as absent; parameters other than q are passed over.
    explicit Preferences(std::string_view field);

    // The weight of what is named exactly so, whatever its case, in thousandths: 0 (never) to 1000. None: not named.
    std::optional<int> quality(std::string_view token) const;

  private:
    std::vector<std::pair<std::string, int>> elements_;
};

}  // namespace imgsrv::http
