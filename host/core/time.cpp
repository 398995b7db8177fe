#include "core/time.h"

#include <array>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace imgsrv {
namespace {

constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::tm broken_down(Time t) {
    const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
    std::tm tm{};
    ::gmtime_r(&seconds, &tm);
    return tm;
}

// Reads exactly `width` digits; -1 if there are fewer.
int digits(std::string_view text, std::size_t at, std::size_t width) {
    if (at + width > text.size()) return -1;
    int value = 0;
    for (std::size_t i = at; i < at + width; ++i) {
        if (text[i] < '0' || text[i] > '9') return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

// A leap second or an offset may lead out of the years that both formats can write.
bool has_four_digit_year(Time t) {
    using namespace std::chrono;
    return t >= sys_days(year(0) / January / 1) && t < sys_days(year(10000) / January / 1);
}

Result<Time> compose(int year, int month, int day, int hour, int minute, int second) {
    using namespace std::chrono;
    const year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                              std::chrono::day(static_cast<unsigned>(day))};
    if (year < 0 || month < 1 || day < 1 || !date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
        second < 0 || second > 60)
        return Status(Code::invalid_argument, "a field of the time is out of range");
    return Time(sys_days(date)) + hours(hour) + minutes(minute) + seconds(second);
}

}  // namespace

std::string format_rfc3339(Time t) {
    const std::tm tm = broken_down(t);
    const long micros = (t - std::chrono::floor<std::chrono::seconds>(t)).count();
    std::array<char, 64> buf{};
    int n = std::snprintf(buf.data(), buf.size(), "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
                          tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    std::string text(buf.data(), static_cast<std::size_t>(n));
    if (micros != 0) {
        n = std::snprintf(buf.data(), buf.size(), ".%06ld", micros);
        text.append(buf.data(), static_cast<std::size_t>(n));
    }
    return text + "Z";
}

Result<Time> parse_rfc3339(std::string_view text) {
    const Status bad(Code::invalid_argument,
                     "'" + std::string(text.substr(0, 64)) + "' is not an RFC 3339 time such as 2026-01-02T03:04:05Z");
    if (text.size() < 20 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') ||
        text[13] != ':' || text[16] != ':')
        return bad;
    auto moment = compose(digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2), digits(text, 11, 2),
                          digits(text, 14, 2), digits(text, 17, 2));
    if (!moment.ok()) return bad;
    std::size_t at = 19;
    std::int64_t micros = 0;
    if (text[at] == '.') {
        std::int64_t unit = 100000;
        const std::size_t first = ++at;
        for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
            micros += (text[at] - '0') * unit;
            unit /= 10;
        }
        if (at == first) return bad;
    }
    if (at >= text.size()) return bad;
    Time t = *moment + std::chrono::microseconds(micros);
    if ((text[at] == 'Z' || text[at] == 'z') && at + 1 == text.size()) {
        if (!has_four_digit_year(t)) return bad;
        return t;
    }
    if ((text[at] != '+' && text[at] != '-') || at + 6 != text.size() || text[at + 3] != ':') return bad;
    const int hours = digits(text, at + 1, 2);
    const int minutes = digits(text, at + 4, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return bad;
    const auto offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
    t -= text[at] == '+' ? offset : -offset;
    if (!has_four_digit_year(t)) return bad;
    return t;
}

std::string format_http_date(Time t) {
    const std::tm tm = broken_down(t);
    std::array<char, 64> buf{};
    const int n = std::snprintf(buf.data(), buf.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                kDays.at(static_cast<std::size_t>(tm.tm_wday)), tm.tm_mday,
                                kMonths.at(static_cast<std::size_t>(tm.tm_mon)), tm.tm_year + 1900, tm.tm_hour,
                                tm.tm_min, tm.tm_sec);
    return {buf.data(), static_cast<std::size_t>(n)};
}

Result<Time> parse_http_date(std::string_view text) {
    const Status bad(Code::invalid_argument, "not an HTTP date");
    if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT" || text[19] != ':' ||
        text[22] != ':')
        return bad;
    int month = 0;
    for (int i = 0; i < 12; ++i)
        if (text.substr(8, 3) == kMonths.at(static_cast<std::size_t>(i))) month = i + 1;
    auto moment = compose(digits(text, 12, 4), month, digits(text, 5, 2), digits(text, 17, 2), digits(text, 20, 2),
                          digits(text, 23, 2));
    if (!moment.ok() || !has_four_digit_year(*moment)) return bad;
    return moment;
}

}  // namespace imgsrv
