#include "cel/regex.h"

#include <re2/re2.h>

#include <string>

namespace imgsrv::cel {

Result<Regex> Regex::compile(std::string_view pattern, const Limits& limits) {
    if (pattern.size() > limits.regex_bytes)
        return Error{Error::Kind::limit,
                     "a regular expression of " + std::to_string(pattern.size()) + " bytes; the limit is " +
                         std::to_string(limits.regex_bytes),
                     {}};
    re2::RE2::Options options;
    options.set_log_errors(false);
    // Bounds what repetitions such as (a{500}){500} expand to.
    options.set_max_mem(256 * 1024);
    auto compiled = std::make_shared<const re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
    if (!compiled->ok())
        return Error{Error::Kind::evaluation, "this is not a regular expression: " + compiled->error(), {}};
    return Regex(std::move(compiled));
}

bool Regex::matches(std::string_view text) const {
    return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *compiled_);
}

std::uint64_t Regex::cost(std::size_t bytes) const {
    const auto instructions = static_cast<std::uint64_t>(compiled_->ProgramSize());
    return 1 + (bytes + 1) * (instructions + 1) / 16;
}

}  // namespace imgsrv::cel
