#include "http/chunk_decoder.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <cstring>
#include <string>

namespace imgsrv::http {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;

class ChunkDecoder::Parser final : public bhttp::basic_parser<true> {
  public:
    explicit Parser(std::uint64_t limit) {
        body_limit(limit);
        // Beast decodes chunks only as part of a message, so it gets a minimal head first.
        static constexpr std::string_view kHead = "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        beast::error_code ec;
        put(boost::asio::buffer(kHead.data(), kHead.size()), ec);
    }

    std::span<std::byte> output;
    std::size_t produced = 0;
    bool after_chunk = false;  // what comes next begins with the end of a chunk

  private:
    std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view data, beast::error_code&) override {
        const std::size_t n = std::min(data.size(), output.size() - produced);
        std::memcpy(output.data() + produced, data.data(), n);
        produced += n;
        return n;
    }

    void on_request_impl(bhttp::verb, beast::string_view, beast::string_view, int, beast::error_code&) override {}
    void on_response_impl(int, beast::string_view, int, beast::error_code&) override {}
    void on_field_impl(bhttp::field, beast::string_view, beast::string_view, beast::error_code&) override {}
    void on_header_impl(beast::error_code&) override {}
    void on_body_init_impl(boost::optional<std::uint64_t> const&, beast::error_code&) override {}
    std::size_t on_body_impl(beast::string_view, beast::error_code&) override { return 0; }
    void on_chunk_header_impl(std::uint64_t, beast::string_view, beast::error_code&) override { after_chunk = true; }
    void on_finish_impl(beast::error_code&) override {}
};

namespace {

// What Beast waits for when it asks for more of `rest`.
enum class Wait { line, trailers, nothing };
Wait waits_for(std::string_view rest, bool after_chunk) {
    if (after_chunk) {
        if (!rest.starts_with("\r\n")) return Wait::line;
        rest.remove_prefix(2);
    }
    const auto end = rest.find("\r\n");
    if (end == std::string_view::npos) return Wait::line;
    const char first = rest[rest.find_first_not_of('0')];
    const bool last = std::string_view("123456789abcdefABCDEF").find(first) == std::string_view::npos;
    return last && rest.find("\r\n\r\n", end) == std::string_view::npos ? Wait::trailers : Wait::nothing;
}

// "0\r\n\r\n". Beast asserts that it is not asked about fewer bytes once it has seen the last chunk's line.
constexpr std::size_t kShortestLastChunk = 5;

}  // namespace

ChunkDecoder::ChunkDecoder(std::uint64_t limit) : parser_(std::make_unique<Parser>(limit)), limit_(limit) {}
ChunkDecoder::~ChunkDecoder() = default;

Result<ChunkDecoder::Step> ChunkDecoder::decode(std::string_view input, std::span<std::byte> output) {
    Step step;
    parser_->output = output;
    parser_->produced = 0;
    if (in_trailers_ && input.size() < kShortestLastChunk) return step;
    while (!parser_->is_done() && step.consumed < input.size() && parser_->produced < output.size()) {
        beast::error_code ec;
        const std::string_view rest = input.substr(step.consumed);
        const std::size_t n = parser_->put(boost::asio::buffer(rest.data(), rest.size()), ec);
        step.consumed += n;
        if (ec == bhttp::error::need_more) {
            const Wait wait = waits_for(rest, parser_->after_chunk);
            // Beast looks beyond the line for a closing quote, and takes the size off the limit again each time.
            if (wait == Wait::nothing)
                return Status(Code::invalid_argument, "malformed chunked body: a quoted value has no end");
            in_trailers_ = wait == Wait::trailers;
            break;
        }
        if (ec == bhttp::error::body_limit)
            return Status(Code::too_large, "the body is over " + std::to_string(limit_) + " bytes");
        if (ec) return Status(Code::invalid_argument, "malformed chunked body: " + ec.message());
    }
    step.produced = parser_->produced;
    return step;
}

bool ChunkDecoder::finished() const {
    return parser_->is_done();
}

}  // namespace imgsrv::http
