#include "http/request_head.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <charconv>
#include <limits>

namespace imgsrv::http {
namespace {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;

std::string_view view(beast::string_view text) {
    return {text.data(), text.size()};
}

Method method_of(bhttp::verb verb) {
    switch (verb) {
        case bhttp::verb::get:
            return Method::get;
        case bhttp::verb::head:
            return Method::head;
        case bhttp::verb::post:
            return Method::post;
        case bhttp::verb::put:
            return Method::put;
        case bhttp::verb::delete_:
            return Method::del;
        case bhttp::verb::options:
            return Method::options;
        default:
            return Method::other;
    }
}

// uri-host [ ":" port ] of RFC 9110, section 7.2, as far as it matters: no white space or delimiters, a port in range.
bool valid_host(std::string_view host) {
    std::string_view port;
    if (!host.empty() && host.front() == '[') {
        const auto end = host.find(']');
        if (end == std::string_view::npos || end == 1) return false;
        if (host.find_first_not_of("0123456789abcdefABCDEF:.", 1) != end) return false;
        port = host.substr(end + 1);
    } else {
        port = host.substr(std::min(host.size(), host.find(':')));
        const std::string_view name = host.substr(0, host.size() - port.size());
        if (name.find_first_of(" \t\"#/<>?@[\\]^`{|},") != std::string_view::npos) return false;
    }
    if (port.empty()) return true;
    if (port.front() != ':') return false;
    port.remove_prefix(1);
    unsigned number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    return port.empty() || (error == std::errc() && end == port.data() + port.size() && number <= 65535);
}

// Collects what Beast finds in one head, and refuses what Beast would accept.
class Parser final : public bhttp::basic_parser<true> {
  public:
    Parser(Request& request, Framing& framing) : request_(request), framing_(framing) {
        // Beast 1.74 takes "no limit" for "over the limit".
        body_limit(std::numeric_limits<std::uint64_t>::max());
        header_limit(std::numeric_limits<std::uint32_t>::max());
    }

    std::optional<HeadError> run(std::string_view head) {
        beast::error_code ec;
        put(boost::asio::buffer(head.data(), head.size()), ec);
        if (error_) return error_;
        if (ec == bhttp::error::bad_version) return version_error(head);
        if (ec && ec != bhttp::error::need_more) return HeadError{400, "malformed request: " + ec.message()};
        if (!is_header_done()) return HeadError{400, "malformed request: incomplete head"};
        return finish();
    }

  private:
    static HeadError version_error(std::string_view head) {
        const std::string_view line = head.substr(0, head.find('\r'));
        const std::string_view version = line.substr(line.rfind(' ') + 1);
        const bool well_formed = std::count(line.begin(), line.end(), ' ') == 2 && version.size() == 8 &&
                                 version.starts_with("HTTP/") && version[6] == '.' && version[5] >= '0' &&
                                 version[5] <= '9' && version[7] >= '0' && version[7] <= '9';
        if (well_formed) return {505, "only HTTP/1.0 and HTTP/1.1 are supported"};
        return {400, "malformed request: bad HTTP version"};
    }

    // The checks that need the whole head.
    std::optional<HeadError> finish() {
        const auto& headers = request_.headers;
        if (hosts_ > 1) return HeadError{400, "more than one Host field"};
        if (hosts_ == 0 && framing_.http11) return HeadError{400, "the Host field is missing"};
        if (const auto* host = headers.find("Host"); host && !valid_host(*host))
            return HeadError{400, "the Host field is malformed"};
        // RFC 9112, section 6.1: with an unknown encoding, nobody knows where the body ends.
        if (encodings_ > 0 &&
            !(framing_.http11 && chunked() && same_token(headers.joined("Transfer-Encoding"), "chunked")))
            return HeadError{framing_.http11 ? 501 : 400, "the only supported transfer encoding is 'chunked'"};
        framing_.chunked = chunked();
        framing_.keep_alive = keep_alive();
        if (const auto length = content_length()) request_.content_length = *length;
        request_.has_body = framing_.chunked || request_.content_length.value_or(0) > 0;
        if (const auto* expect = headers.find("Expect"); expect && framing_.http11) {
            if (!same_token(*expect, "100-continue"))
                return HeadError{417, "the only supported expectation is '100-continue'"};
            framing_.expects_continue = true;
        }
        return split_target();
    }

    // RFC 9112, section 3.2. A CONNECT target is not a resource; the caller refuses the method.
    std::optional<HeadError> split_target() {
        std::string_view target = request_.target;
        if (framing_.method_name == "CONNECT") return std::nullopt;
        if (target == "*") {
            if (request_.method != Method::options) return HeadError{400, "the target '*' is only for OPTIONS"};
            request_.path = target;
            return std::nullopt;
        }
        for (const std::string_view scheme : {"http://", "https://"}) {
            if (target.size() < scheme.size() || !same_token(target.substr(0, scheme.size()), scheme)) continue;
            target.remove_prefix(scheme.size());
            const auto authority = std::min(target.size(), target.find_first_of("/?"));
            if (authority == 0 || !valid_host(target.substr(0, authority)))
                return HeadError{400, "the target's authority is malformed"};
            target.remove_prefix(authority);
            if (target.empty() || target.front() == '?') request_.path = "/";
            break;
        }
        if (request_.path.empty() && (target.empty() || target.front() != '/'))
            return HeadError{400, "the target is neither a path nor an http URI"};
        if (target.find('#') != std::string_view::npos) return HeadError{400, "the target has a fragment"};
        const auto question = std::min(target.size(), target.find('?'));
        if (request_.path.empty()) request_.path = target.substr(0, question);
        if (question < target.size()) request_.query = target.substr(question + 1);
        return std::nullopt;
    }

    void refuse(int status, std::string detail, beast::error_code& ec) {
        error_ = HeadError{status, std::move(detail)};
        ec = bhttp::error::bad_field;
    }

    void on_request_impl(bhttp::verb verb, beast::string_view method, beast::string_view target, int version,
                         beast::error_code& ec) override {
        request_.method = method_of(verb);
        framing_.method_name = view(method);
        framing_.http11 = version >= 11;
        if (target.size() > kMaxTarget)
            return refuse(414, "the target is longer than " + std::to_string(kMaxTarget) + " bytes", ec);
        request_.target = view(target);
    }

    void on_field_impl(bhttp::field field, beast::string_view name, beast::string_view value,
                       beast::error_code& ec) override {
        if (request_.headers.all().size() == kMaxFields)
            return refuse(431, "more than " + std::to_string(kMaxFields) + " header fields", ec);
        if (field == bhttp::field::host) ++hosts_;
        if (field == bhttp::field::transfer_encoding) ++encodings_;
        if (field == bhttp::field::content_length &&
            (++lengths_ > 1 || view(value).find(',') != std::string_view::npos))
            return refuse(400, "more than one Content-Length", ec);
        request_.headers.add(std::string(view(name)), std::string(view(value)));
    }

    void on_header_impl(beast::error_code&) override {}
    void on_body_init_impl(boost::optional<std::uint64_t> const&, beast::error_code&) override {}
    std::size_t on_body_impl(beast::string_view, beast::error_code&) override { return 0; }
    void on_chunk_header_impl(std::uint64_t, beast::string_view, beast::error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view, beast::error_code&) override { return 0; }
    void on_finish_impl(beast::error_code&) override {}
    void on_response_impl(int, beast::string_view, int, beast::error_code&) override {}

    Request& request_;
    Framing& framing_;
    std::optional<HeadError> error_;
    std::size_t hosts_ = 0;
    std::size_t lengths_ = 0;
    std::size_t encodings_ = 0;
};

// Starts a token of RFC 9110, section 5.6.2, or an empty line.
bool may_start(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~\r\n").find(c) != std::string_view::npos;
}

}  // namespace

HeadScanner::Found HeadScanner::scan(std::string_view bytes) {
    if (scanned_ == 0 && !bytes.empty() && !may_start(bytes.front())) return Found::malformed;
    for (;;) {
        const auto lf = bytes.find('\n', scanned_);
        if (lf == std::string_view::npos) {
            scanned_ = bytes.size();
            return Found::nothing;
        }
        scanned_ = lf + 1;
        if (lf == 0 || bytes[lf - 1] != '\r') return Found::malformed;
        if (lf - 1 == line_) return Found::head;
        line_ = scanned_;
    }
}

std::optional<HeadError> parse_head(std::string_view head, Request& request, Framing& framing) {
    if (head.find("\r\n ") != std::string_view::npos || head.find("\r\n\t") != std::string_view::npos)
        return HeadError{400, "folded header fields are not accepted"};
    return Parser(request, framing).run(head);
}

}  // namespace imgsrv::http
