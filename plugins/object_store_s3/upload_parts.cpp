#include "upload_parts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>

#include "digest.h"

namespace imgsrv::s3 {

std::vector<ListedPart> named_parts(std::span<const imgsrv_part> parts) {
    if (parts.empty()) throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, "a completion names at least one part");
    std::vector<ListedPart> named;
    named.reserve(parts.size());
    for (const auto& part : parts) {
        if (!named.empty() && part.number <= named.back().number) {
            throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, "the numbers of the parts must ascend; " +
                                                            std::to_string(part.number) + " comes after " +
                                                            std::to_string(named.back().number));
        }
        named.push_back({part.number, part.size, std::string(sdk::view(part.etag))});
    }
    return named;
}

std::uint64_t total_size(std::span<const ListedPart> parts) {
    std::uint64_t sum = 0;
    for (const auto& part : parts) sum += part.size;
    return sum;
}

const ListedPart* find_part(std::span<const ListedPart> parts, std::uint32_t number) {
    const auto at = std::lower_bound(parts.begin(), parts.end(), number,
                                     [](const ListedPart& part, std::uint32_t wanted) { return part.number < wanted; });
    return at == parts.end() || at->number != number ? nullptr : &*at;
}

sdk::Failure part_failure(std::uint32_t number, const std::string& why) {
    return sdk::Failure(IMGSRV_FAILED_PRECONDITION, "part " + std::to_string(number) + " " + why)
        .with_native("InvalidPart");
}

void check_stored(std::span<const ListedPart> named, std::span<const ListedPart> stored) {
    for (const auto& part : named) {
        const auto* there = find_part(stored, part.number);
        if (there == nullptr) throw part_failure(part.number, "is not stored");
        if (there->size != part.size) {
            throw part_failure(part.number,
                               "has " + std::to_string(there->size) + " bytes, not " + std::to_string(part.size));
        }
        if (there->etag != part.etag)
            throw part_failure(part.number, "has the etag " + there->etag + ", not " + part.etag);
    }
    for (std::size_t i = 0; i + 1 < named.size(); ++i) {
        if (named[i].size < kLeastPart) {
            throw part_failure(named[i].number,
                               "has " + std::to_string(named[i].size) +
                                   " bytes, less than the 5 MiB that every part but the last must have");
        }
    }
}

std::optional<std::string> joined_etag(std::span<const ListedPart> parts) {
    auto digest = RunningDigest::md5();
    for (const auto& part : parts) {
        std::array<std::byte, 16> bytes{};
        if (part.etag.size() != 2 * bytes.size()) return std::nullopt;
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            unsigned value = 0;
            const char* digits = part.etag.data() + 2 * i;
            if (std::from_chars(digits, digits + 2, value, 16).ptr != digits + 2) return std::nullopt;
            bytes[i] = static_cast<std::byte>(value);
        }
        digest.update(bytes);
    }
    return digest.hex() + "-" + std::to_string(parts.size());
}

std::vector<CopySource> ranges_of(std::span<const ListedPart> named, std::span<const ListedPart> layout,
                                  const CopySource& object) {
    std::vector<CopySource> ranges;
    std::uint64_t offset = 0;
    for (const auto& part : layout) {
        if (find_part(named, part.number) != nullptr) {
            if (!ranges.empty() && ranges.back().offset + ranges.back().length == offset)
                ranges.back().length += part.size;
            else
                ranges.push_back({object.key, object.etag, offset, part.size});
        }
        offset += part.size;
    }
    return ranges;
}

std::string layout_text(std::span<const ListedPart> layout) {
    std::string text;
    for (const auto& part : layout) {
        text.append(std::to_string(part.number)).append(" ").append(std::to_string(part.size));
        text.append(" ").append(part.etag).append("\n");
    }
    return text;
}

std::vector<ListedPart> parse_layout(std::string_view text) {
    std::istringstream in{std::string(text)};
    std::vector<ListedPart> layout;
    for (ListedPart part; in >> part.number >> part.size >> part.etag;) layout.push_back(part);
    if (!in.eof() || layout.empty())
        throw sdk::Failure(IMGSRV_DATA_LOSS, "the note on the parts of an unfinished upload cannot be read");
    return layout;
}

}  // namespace imgsrv::s3
