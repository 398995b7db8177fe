#include "core/uuid.h"

#include <sys/random.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>

#include "core/hex.h"

namespace imgsrv {
namespace {

void fill_random(char* out, std::size_t n) {
    std::size_t done = 0;
    while (done < n) {
        const auto got = ::getrandom(out + done, n - done, 0);
        if (got > 0)
            done += static_cast<std::size_t>(got);
        else if (errno != EINTR)
            std::abort();  // without randomness no id or secret is safe
    }
}

}  // namespace

std::string new_uuid() {
    std::string b(16, '\0');
    fill_random(b.data() + 6, 10);
    const auto ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count());
    for (unsigned i = 0; i < 6; ++i) b.at(i) = static_cast<char>(ms >> (8U * (5U - i)));
    b[6] = static_cast<char>((b[6] & 0x0FU) | 0x70U);
    b[8] = static_cast<char>((b[8] & 0x3FU) | 0x80U);
    std::string text = to_hex(b);
    for (const std::size_t at : {8, 13, 18, 23}) text.insert(at, 1, '-');
    return text;
}

bool is_uuid(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (c != '-') return false;
        } else if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
    }
    return true;
}

std::string random_hex(std::size_t bytes) {
    std::string raw(bytes, '\0');
    fill_random(raw.data(), bytes);
    return to_hex(raw);
}

}  // namespace imgsrv
