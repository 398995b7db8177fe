#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "answers.h"
#include "copier.h"

// What a completion names against what is stored. Pure. Lists of parts are in the order of their numbers.
namespace imgsrv::s3 {

// Every part but the last of an object has at least this size.
inline constexpr std::uint64_t kLeastPart = 5ULL << 20;
inline constexpr std::uint32_t kMaxPartNumber = 10'000;

// The parts a completion names. Throws INVALID_ARGUMENT unless there is one, and their numbers ascend (rule S26).
std::vector<ListedPart> named_parts(std::span<const imgsrv_part> parts);
std::uint64_t total_size(std::span<const ListedPart> parts);
// Null: there is no part of this number.
const ListedPart* find_part(std::span<const ListedPart> parts, std::uint32_t number);
// "part N" and why it cannot be part of the object, as FAILED_PRECONDITION.
sdk::Failure part_failure(std::uint32_t number, const std::string& why);
// Throws part_failure() unless each named part is stored with that etag and size, and all but the last of them have at
// least kLeastPart.
void check_stored(std::span<const ListedPart> named, std::span<const ListedPart> stored);

// The etag that S3 gives to an object made of these parts: the MD5 of their MD5s, and their number. None when an etag
// is no MD5.
std::optional<std::string> joined_etag(std::span<const ListedPart> parts);

// Where in an object made of all of `layout` the named parts lie; neighbours as one.
std::vector<CopySource> ranges_of(std::span<const ListedPart> named, std::span<const ListedPart> layout,
                                  const CopySource& object);

// A layout as text, to be found again after a crash.
std::string layout_text(std::span<const ListedPart> layout);
// Throws DATA_LOSS when it is no such text.
std::vector<ListedPart> parse_layout(std::string_view text);

}  // namespace imgsrv::s3
