#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "cel/error.h"
#include "cel/limits.h"

namespace re2 {
class RE2;
}

namespace imgsrv::cel {

// A compiled regular expression in RE2's syntax, which CEL names as its own. Matching takes time linear in the text.
// Cheap to copy, usable from several threads.
class Regex {
  public:
    // The error says what is wrong with the pattern; its position is for the caller to set.
    static Result<Regex> compile(std::string_view pattern, const Limits& limits);

    // The most units of the budget that compile() takes; Unicode classes and repetitions are what costs.
    static std::uint64_t compile_cost(std::size_t pattern_bytes) { return 10'000 + 200 * std::uint64_t{pattern_bytes}; }

    // Whether it matches some part of the text.
    bool matches(std::string_view text) const;
    // The most units of the budget that matches() takes for a text of that many bytes.
    std::uint64_t cost(std::size_t bytes) const;

  private:
    explicit Regex(std::shared_ptr<const re2::RE2> compiled) : compiled_(std::move(compiled)) {}
    std::shared_ptr<const re2::RE2> compiled_;
};

}  // namespace imgsrv::cel
