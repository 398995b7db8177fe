#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "catalogue.h"

namespace imgsrv_incus {

inline constexpr const char* kIndexPath = "/streams/v1/index.json";
inline constexpr const char* kImagesPath = "/streams/v1/images.json";

// Takes the document block by block, in order. May throw to end the writing.
using Output = std::function<void(std::string_view)>;

// The documents of Simple Streams, `index:1.0` and `products:1.0`. Equal products give equal bytes.
void write_index(const std::vector<Product>& products, const Output& out);
void write_images(const std::vector<Product>& products, const Output& out);

// Where a client finds a blob, below the server's address. The last segment is what a client calls the file when it
// exports an image, so the path ends in something that differs for the two files of a split image.
std::string blob_path(std::string_view sha256);

// `YYYYMMDD_HH:MM` in UTC. Clients skip a version whose first eight characters are not a date.
std::string serial(std::int64_t published_us);

}  // namespace imgsrv_incus
