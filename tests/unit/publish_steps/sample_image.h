#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Bytes that pass for the files of an image.
namespace sample {

std::string qcow2(std::string_view what);
std::string squashfs(std::string_view what);
std::string tar_xz(std::string_view what);

// A real gzip-compressed tar archive with these members (name, content); a name that ends in '/' is a folder.
std::string tar_gz(const std::vector<std::pair<std::string, std::string>>& members);
// The beginning of a tar archive: a member of this size is announced, and none of its bytes follow.
std::string tar_announcing(const std::string& name, std::uint64_t size);
std::string unified_container(std::string_view what);
std::string unified_vm(std::string_view what);

// As 64 lower-case hex digits.
std::string sha256(std::string_view bytes);

}  // namespace sample
