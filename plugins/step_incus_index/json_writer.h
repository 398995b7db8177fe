#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace imgsrv_incus {

// Writes JSON without building it in memory: members appear in the order in which they are written. The caller keeps
// the brackets balanced.
class JsonWriter {
  public:
    using Output = std::function<void(std::string_view)>;
    explicit JsonWriter(const Output& out) : out_(out) { buffer_.reserve(kBlock + kBlock / 4); }

    JsonWriter& open(char bracket);
    JsonWriter& close(char bracket);
    JsonWriter& key(std::string_view name);
    JsonWriter& value(std::string_view text);
    JsonWriter& value(std::uint64_t number);
    JsonWriter& member(std::string_view name, std::string_view text) { return key(name).value(text); }
    JsonWriter& member(std::string_view name, std::uint64_t number) { return key(name).value(number); }

    // Writes out the buffer. Call it once, at the end.
    void flush();

  private:
    static constexpr std::size_t kBlock = 64 * 1024;

    void separate();
    void quote(std::string_view text);

    const Output& out_;
    std::string buffer_;
    bool comma_ = false;  // a value precedes in the open bracket
};

}  // namespace imgsrv_incus
