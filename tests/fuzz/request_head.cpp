// Heads of requests as any client may send them: the scanner finds the same head however the bytes arrive, and what the
// parser accepts can be read in one way only.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/request_head.h"

using namespace imgsrv::http;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

bool has_control(std::string_view text) {
    for (const unsigned char c : text)
        if (c == '\r' || c == '\n' || c == '\0') return true;
    return false;
}

// Scans as a connection does: with `step` more bytes each time.
HeadScanner::Found scan(std::string_view bytes, std::size_t step, std::size_t& length) {
    HeadScanner scanner;
    auto found = HeadScanner::Found::nothing;
    for (std::size_t have = 0; have < bytes.size() && found == HeadScanner::Found::nothing;) {
        have += std::min(step, bytes.size() - have);
        found = scanner.scan(bytes.substr(0, have));
        require(scanner.length() <= have);
    }
    length = scanner.length();
    return found;
}

void check_error(const HeadError& error) {
    for (const int status : {400, 414, 417, 431, 501, 505})
        if (error.status == status) return require(!error.detail.empty());
    std::abort();
}

void check_target(const Request& request, const Framing& framing) {
    require(!has_control(request.target) && request.target.find(' ') == std::string::npos);
    if (framing.method_name == "CONNECT") return;
    require(request.path == "*" || request.path.starts_with('/'));
    require(request.path.find_first_of("?#") == std::string::npos);
    require(request.query.find('#') == std::string::npos);
    require(request.target.ends_with(request.query));
}

void check_framing(std::string_view head, const Request& request, const Framing& framing) {
    std::size_t hosts = 0;
    std::size_t lengths = 0;
    std::size_t encodings = 0;
    for (const auto& [name, value] : request.headers.all()) {
        require(!name.empty() && !has_control(name) && !has_control(value));
        require(name.find_first_of(" \t:") == std::string::npos);
        require(head.find(name) != std::string_view::npos);
        hosts += same_token(name, "Host") ? 1 : 0;
        lengths += same_token(name, "Content-Length") ? 1 : 0;
        encodings += same_token(name, "Transfer-Encoding") ? 1 : 0;
    }
    require(request.headers.all().size() <= kMaxFields);
    require(framing.http11 ? hosts == 1 : hosts <= 1);
    // RFC 9112, section 6.3: a body has one length, and everybody on the way finds the same.
    require(lengths <= 1 && encodings <= 1 && lengths + encodings <= 1);
    require(framing.chunked == (encodings == 1));
    require(!framing.chunked || framing.http11);
    require(request.content_length.has_value() == (lengths == 1));
    require(request.has_body == (framing.chunked || request.content_length.value_or(0) > 0));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    std::size_t length = 0;
    const auto found = scan(bytes, bytes.size(), length);
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}}) {
        std::size_t again = 0;
        require(scan(bytes, step, again) == found);
        require(found != HeadScanner::Found::head || again == length);
    }
    if (found != HeadScanner::Found::head) return 0;

    const std::string_view head = bytes.substr(0, length);
    require(head.ends_with("\r\n"));
    Request request;
    Framing framing;
    if (const auto error = parse_head(head, request, framing)) {
        check_error(*error);
        return 0;
    }
    check_target(request, framing);
    check_framing(head, request, framing);
    return 0;
}
