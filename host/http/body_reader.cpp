#include "http/body_reader.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

namespace imgsrv::http {
namespace {

constexpr std::size_t kChunkedBuffer = 64 * 1024;
// The longest chunk line with its extensions, or trailer section.
constexpr std::size_t kMaxChunkLine = 16 * 1024;

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

Status client_gone() {
    return {Code::cancelled, "the client closed the connection before the end of the body"};
}

}  // namespace

BodyReader::BodyReader(SocketStream& stream, Inbox& inbox, Options options)
    : stream_(stream), inbox_(inbox), options_(std::move(options)) {
    if (options_.chunked) decoder_ = std::make_unique<ChunkDecoder>(options_.limit);
}

std::optional<std::uint64_t> BodyReader::size() const {
    if (options_.chunked) return std::nullopt;
    return options_.length.value_or(0);
}

bool BodyReader::finished() const {
    return options_.chunked ? decoder_->finished() : received_ == options_.length.value_or(0);
}

Result<std::size_t> BodyReader::read(std::span<std::byte> buffer) {
    if (!failure_.ok()) return failure_;
    if (buffer.empty() || finished()) return std::size_t{0};
    auto got = options_.chunked ? read_chunked(buffer) : read_counted(buffer);
    if (got.ok())
        received_ += *got;
    else
        failure_ = got.status();
    return got;
}

Result<std::size_t> BodyReader::read_counted(std::span<std::byte> buffer) {
    buffer = buffer.first(std::min<std::uint64_t>(buffer.size(), *options_.length - received_));
    if (inbox_.empty()) return receive(buffer);
    const std::size_t n = std::min(buffer.size(), inbox_.view().size());
    std::memcpy(buffer.data(), inbox_.view().data(), n);
    inbox_.consume(n);
    return n;
}

Result<std::size_t> BodyReader::read_chunked(std::span<std::byte> buffer) {
    for (;;) {
        if (!inbox_.empty()) {
            IMGSRV_ASSIGN(const auto step, decoder_->decode(inbox_.view(), buffer));
            inbox_.consume(step.consumed);
            if (step.produced > 0 || decoder_->finished()) return step.produced;
            if (step.consumed > 0) continue;
            if (inbox_.view().size() > kMaxChunkLine)
                return Status(Code::invalid_argument, "malformed chunked body: chunk line too long");
        }
        std::array<std::byte, kChunkedBuffer> more;  // NOLINT: filled by receive
        IMGSRV_ASSIGN(const std::size_t n, receive(more));
        inbox_.append({reinterpret_cast<const char*>(more.data()), n});
    }
}

// At least one byte.
Result<std::size_t> BodyReader::receive(std::span<std::byte> buffer) {
    // RFC 9110, section 10.1.1: no 100 once part of the body has arrived.
    if (std::exchange(options_.expects_continue, false) && received_ == 0 && inbox_.empty())
        IMGSRV_TRY(send_continue());
    for (;;) {
        const IoResult got = stream_.read(buffer);
        if (got.outcome == Io::done) return got.bytes;
        if (got.outcome == Io::end || got.outcome == Io::failed) return client_gone();
        IMGSRV_TRY(wait(got.outcome));
    }
}

Status BodyReader::send_continue() {
    std::span<const std::byte> rest = bytes_of("HTTP/1.1 100 Continue\r\n\r\n");
    while (!rest.empty()) {
        const IoResult sent = stream_.write(rest, false);
        if (sent.outcome == Io::done)
            rest = rest.subspan(sent.bytes);
        else if (sent.outcome == Io::end || sent.outcome == Io::failed)
            return client_gone();
        else
            IMGSRV_TRY(wait(sent.outcome));
    }
    return {};
}

Status BodyReader::wait(Io direction) {
    const short events = direction == Io::want_write ? POLLOUT : POLLIN;
    std::array<pollfd, 2> fds = {pollfd{stream_.fd(), events, 0}, pollfd{options_.cancel->fd(), POLLIN, 0}};
    for (;;) {
        const int n = ::poll(fds.data(), fds.size(), static_cast<int>(options_.timeout.count()));
        if (options_.cancel->cancelled()) return {Code::cancelled, "the server is shutting down"};
        if (n > 0) return {};
        if (n == 0)
            return {Code::deadline,
                    "no byte of the body arrived for " + std::to_string(options_.timeout.count()) + " ms"};
        if (errno != EINTR) return {Code::internal, "poll: " + std::string(std::strerror(errno))};
    }
}

}  // namespace imgsrv::http
