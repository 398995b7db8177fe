#pragma once

#include <imgsrv/cpp/object_key.hpp>
#include <string>
#include <string_view>

// Keys, and the file names they have below objects/ (rule S1 of sdk/ABI.md).
//
// The last segment of a key is the file's name. Every segment before it is a folder, and a folder's name ends with '+',
// which no segment may hold: "blobs/sha256/ab" lies in "blobs+/sha256+/ab". So the object "a" and the object "a/b" live
// side by side, and no key can name a folder.
namespace imgsrv::fs {

inline constexpr char kFolderMark = '+';

struct KeyPath {
    std::string folder;  // "blobs+/sha256+"; empty when the key has one segment
    std::string name;
};

// key must be valid.
KeyPath path_of(std::string_view key);

}  // namespace imgsrv::fs
