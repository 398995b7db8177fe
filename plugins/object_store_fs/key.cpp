#include "key.h"

#include <algorithm>

#include <imgsrv/imgsrv.hpp>

namespace imgsrv::fs {
namespace {

bool allowed(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == ':' || c == '-';
}

[[noreturn]] void refuse(const std::string& why) {
    throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, why);
}

}  // namespace

bool valid_segment(std::string_view segment) {
    return !segment.empty() && segment.size() <= kMaxSegmentBytes && segment != "." && segment != ".." &&
           std::all_of(segment.begin(), segment.end(), allowed);
}

void check_key(std::string_view key) {
    if (key.empty()) refuse("a key must not be empty");
    if (key.size() > kMaxKeyBytes) {
        refuse("a key has at most " + std::to_string(kMaxKeyBytes) + " bytes, this one has " +
               std::to_string(key.size()));
    }
    for (std::size_t begin = 0; begin <= key.size();) {
        const auto end = std::min(key.find('/', begin), key.size());
        if (!valid_segment(key.substr(begin, end - begin))) {
            refuse("each segment of a key has 1 to " + std::to_string(kMaxSegmentBytes) +
                   " bytes of [A-Za-z0-9._:-] and is neither \".\" nor \"..\"; the segment at byte " +
                   std::to_string(begin) + " is not like that");
        }
        begin = end + 1;
    }
}

KeyPath path_of(std::string_view key) {
    KeyPath path;
    for (auto slash = key.find('/'); slash != std::string_view::npos; slash = key.find('/')) {
        if (!path.folder.empty()) path.folder += '/';
        path.folder.append(key.substr(0, slash)) += kFolderMark;
        key.remove_prefix(slash + 1);
    }
    path.name = key;
    return path;
}

}  // namespace imgsrv::fs
