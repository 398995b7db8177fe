#include "http/response_writer.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>

#include "core/log.h"
#include "core/time.h"
#include "http/status_phrase.h"

namespace imgsrv::http {
namespace {

constexpr std::size_t kInlineBody = 16 * 1024;    // below this, copying is cheaper than a second system call
constexpr std::uint64_t kTurn = 2 * 1024 * 1024;  // what one connection sends before the next one's turn
constexpr std::size_t kChunk = 256 * 1024;        // of a stream
// A lone file transfer of at least this size is corked: otherwise every pipe's worth that sendfile() moves wakes the
// receiver, which costs a third of the speed. With other transfers running, corking hurts: the receiver is already
// awake.
constexpr std::uint64_t kCorked = 256 * 1024;

// The Date field's value, made once a second.
const std::string& http_date() {
    thread_local std::string text;
    thread_local std::time_t made = 0;
    const std::time_t now = std::time(nullptr);
    if (now != made) {
        text = format_http_date(Time(std::chrono::seconds(now)));
        made = now;
    }
    return text;
}

std::uint64_t length_of(const Body& body) {
    struct Length {
        std::uint64_t operator()(std::monostate) const { return 0; }
        std::uint64_t operator()(const std::string& text) const { return text.size(); }
        std::uint64_t operator()(const std::shared_ptr<const std::string>& text) const { return text->size(); }
        std::uint64_t operator()(const FileBody& file) const { return file.length; }
        std::uint64_t operator()(const StreamBody& stream) const { return stream.length; }
    };
    return std::visit(Length{}, body);
}

// The body's bytes when it is a string of either kind.
std::string_view text_of(const Body& body) {
    if (const auto* text = std::get_if<std::string>(&body)) return *text;
    if (const auto* text = std::get_if<std::shared_ptr<const std::string>>(&body)) return **text;
    return {};
}

// Whether reading there needs no disk; also true if the file system cannot tell.
bool is_cached(const FileBody& file, std::uint64_t offset) {
    std::byte byte;
    const iovec vec{&byte, 1};
    return ::preadv2(file.fd.get(), &vec, 1, static_cast<off_t>(offset), RWF_NOWAIT) >= 0 || errno != EAGAIN;
}

std::string serialize_head(const Response& response, const ResponseWriter::Options& options) {
    std::string head;
    head.reserve(512);
    const auto field = [&](std::string_view name, std::string_view value) {
        // A line break in a value would let its author inject fields, or a second response.
        if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) {
            log::error("response header dropped: its value contains a line break", {{"field", name}});
            return;
        }
        head.append(name).append(": ").append(value).append("\r\n");
    };
    head.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
    head.append(status_phrase(response.status)).append("\r\n");
    const std::string* length = nullptr;
    for (const auto& [name, value] : response.headers.all()) {
        if (same_token(name, "Content-Length"))
            length = &value;
        else
            field(name, value);
    }
    // RFC 9110, section 8.6. A handler that answers HEAD without a body may set the length itself.
    if (options.head_request && length != nullptr && std::holds_alternative<std::monostate>(response.body))
        field("Content-Length", *length);
    else if (response.status != 204 && response.status != 304)
        field("Content-Length", std::to_string(length_of(response.body)));
    field("Date", http_date());
    if (!options.request_id.empty()) field("X-Request-Id", options.request_id);
    if (options.close)
        field("Connection", "close");
    else if (!options.http11)
        field("Connection", "keep-alive");
    head.append("\r\n");
    return head;
}

}  // namespace

ResponseWriter::ResponseWriter(Response response, const Options& options)
    : status_(response.status), head_(serialize_head(response, options)), head_length_(head_.size()) {
    body_ = std::move(response.body);
    if (options.head_request || status_ == 204 || status_ == 304) return;
    const std::string_view text = text_of(body_);
    if (text.size() <= kInlineBody) head_.append(text);
    if (text.empty() || text.size() > kInlineBody) left_ = length_of(body_);
    corked_ = options.alone && std::holds_alternative<FileBody>(body_) && left_ >= kCorked;
}

ResponseWriter::Step ResponseWriter::send(SocketStream& stream, std::span<std::byte> scratch) {
    std::uint64_t turn = 0;
    if (corked_ && head_sent_ == 0) stream.set_cork(true);
    while (head_sent_ < head_.size() || left_ > 0) {
        if (turn >= kTurn) return Step::yield;
        const bool in_head = head_sent_ < head_.size();
        if (!in_head && needs_refill()) return Step::refill;
        const IoResult sent = in_head ? stream.write(std::as_bytes(std::span(head_).subspan(head_sent_)), left_ > 0)
                                      : send_some(stream, scratch);
        switch (sent.outcome) {
            case Io::done:
                break;
            case Io::want_write:
                return Step::blocked;
            case Io::want_read:
                return Step::blocked_read;
            case Io::end:
            case Io::failed:
                return Step::failed;
        }
        turn += sent.bytes;
        if (in_head) {
            head_sent_ += sent.bytes;
        } else {
            sent_ += sent.bytes;
            left_ -= sent.bytes;
        }
    }
    if (corked_) stream.set_cork(false);
    return Step::done;
}

IoResult ResponseWriter::send_some(SocketStream& stream, std::span<std::byte> scratch) {
    if (const auto* file = std::get_if<FileBody>(&body_))
        return stream.send_file(file->fd.get(), file->offset + sent_, std::min(left_, kTurn), scratch);
    if (std::holds_alternative<StreamBody>(body_)) {
        const IoResult sent = stream.write(unsent_, unsent_.size() < left_);
        unsent_ = unsent_.subspan(sent.bytes);
        return sent;
    }
    return stream.write(std::as_bytes(std::span(text_of(body_)).subspan(sent_)), false);
}

bool ResponseWriter::needs_refill() const {
    if (std::holds_alternative<StreamBody>(body_)) return unsent_.empty();
    const auto* file = std::get_if<FileBody>(&body_);
    return file != nullptr && sent_ >= warm_ && !is_cached(*file, file->offset + sent_);
}

Status ResponseWriter::refill() {
    if (auto* stream = std::get_if<StreamBody>(&body_)) return next_chunk(*stream);
    warm(std::get<FileBody>(body_));
    return {};
}

void ResponseWriter::warm(const FileBody& file) {
    const auto from = static_cast<off_t>(file.offset + sent_);
    const std::uint64_t length = std::min(left_, kTurn);
    ::readahead(file.fd.get(), from, length);
    std::byte last;  // once it is here, so is the rest, or nearly all of it
    [[maybe_unused]] const auto n = ::pread(file.fd.get(), &last, 1, from + static_cast<off_t>(length) - 1);
    warm_ = sent_ + length;
}

Status ResponseWriter::next_chunk(StreamBody& stream) {
    if (!chunk_) chunk_.reset(new std::byte[kChunk]);
    auto& reader = *stream.reader;
    const std::span<std::byte> room(chunk_.get(), std::min<std::uint64_t>(kChunk, left_));
    std::size_t filled = 0;
    while (filled < room.size()) {
        IMGSRV_ASSIGN(const std::size_t n, reader.read(room.subspan(filled)));
        if (n == 0) return {Code::data_loss, "the stream ended before its promised length"};
        filled += n;
    }
    unsent_ = room;
    return {};
}

std::uint64_t ResponseWriter::body_sent() const {
    return sent_ + (head_sent_ > head_length_ ? head_sent_ - head_length_ : 0);
}

std::unique_ptr<ports::ByteReader> ResponseWriter::take_reader() {
    auto* stream = std::get_if<StreamBody>(&body_);
    return stream ? std::move(stream->reader) : nullptr;
}

}  // namespace imgsrv::http
