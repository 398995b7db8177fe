#pragma once

#include <cstddef>
#include <cstdint>

namespace imgsrv::cel {

// What an expression may be, and what one evaluation of it may cost. Hostile text must neither exhaust a stack nor tie
// up a thread. The specification (Language Definition, "Syntax") asks for less: 32 parentheses, 24 chained operators,
// 12 nested calls.
struct Limits {
    std::size_t source_bytes = 8192;
    std::size_t nodes = 4096;
    std::uint32_t depth = 128;         // levels of the syntax tree
    std::uint32_t comprehensions = 3;  // nested macros that iterate over a list or a map
    std::size_t regex_bytes = 1024;    // of one pattern
    std::size_t regexes = 32;          // patterns that are literals
    // A unit is one step of evaluation, 32 bytes of text made or compared, one element made, or 16 characters times
    // instructions of a regular expression: at most 0.2 microseconds. A pattern that is not a literal is compiled by
    // each call that uses it, which costs 10,000 units and 200 for each of its bytes.
    std::uint64_t cost = 100'000;
};

inline constexpr std::size_t kBytesPerUnit = 32;

// What is left of Limits::cost in one evaluation.
class Budget {
  public:
    explicit Budget(std::uint64_t cost) : left_(cost) {}

    // False: used up.
    bool spend(std::uint64_t units) {
        if (units > left_) {
            left_ = 0;
            return false;
        }
        left_ -= units;
        return true;
    }
    std::uint64_t left() const { return left_; }

  private:
    std::uint64_t left_;
};

}  // namespace imgsrv::cel
