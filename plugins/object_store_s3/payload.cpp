#include "payload.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <vector>

namespace imgsrv::s3 {
namespace {

// Bodies up to this size are kept in memory: their hash is signed, and they can be sent again.
constexpr std::size_t kInMemory = 1024 * 1024;
constexpr std::size_t kBlock = 256 * 1024;
constexpr std::size_t kChunk = 128 * 1024;
// ";chunk-signature=" and 64 digits, and the two ends of line of a chunk.
constexpr std::size_t kChunkFrame = 17 + 64 + 2 + 2;

std::string hex_number(std::uint64_t n) {
    std::array<char, 16> digits{};
    return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), n, 16).ptr};
}

[[noreturn]] void refuse_longer(std::uint64_t announced) {
    throw sdk::Failure(IMGSRV_INVALID_ARGUMENT,
                       "the body is longer than the " + std::to_string(announced) + " bytes it announced");
}

[[noreturn]] void refuse_shorter(std::uint64_t got, std::uint64_t announced) {
    throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, "the body ended after " + std::to_string(got) + " of the " +
                                                    std::to_string(announced) + " bytes it announced");
}

// Throws unless the body is over.
void expect_end(sdk::Reader& body, std::uint64_t announced) {
    std::byte one{};
    if (body.read({&one, 1}) != 0) refuse_longer(announced);
}

// Passes a large body of known size through.
class StreamPayload final : public Payload {
  public:
    StreamPayload(const sdk::Call& call, sdk::Reader& body, std::uint64_t size)
        : call_(call), body_(body), size_(size), block_(kBlock) {}

    std::uint64_t size() const override { return size_; }

    std::size_t read(std::span<std::byte> buffer) override {
        if (begin_ == end_) fill();
        const std::size_t n = std::min(buffer.size(), end_ - begin_);
        std::memcpy(buffer.data(), block_.data() + begin_, n);
        begin_ += n;
        return n;
    }

    bool restart() override {
        if (taken_ == 0) return true;
        if (!body_.can_rewind()) return false;
        try {
            body_.rewind();
        } catch (const sdk::Failure&) {
            return false;
        }
        taken_ = begin_ = end_ = 0;
        return true;
    }

  private:
    void fill() {
        call_.throw_if_cancelled();
        const std::size_t n = body_.read(block_);
        if (n > block_.size()) throw sdk::Failure(IMGSRV_INTERNAL, "the body's reader overran its buffer");
        if (n == 0) refuse_shorter(taken_, size_);
        taken_ += n;
        if (taken_ > size_) refuse_longer(size_);
        // Ask for the end while the last block is still here.
        if (taken_ == size_) expect_end(body_, size_);
        begin_ = 0;
        end_ = n;
    }

    const sdk::Call& call_;
    sdk::Reader& body_;
    const std::uint64_t size_;
    std::vector<std::byte> block_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::uint64_t taken_ = 0;
};

// A body of unknown size in a file that goes away with the process.
class FilePayload final : public Payload {
  public:
    explicit FilePayload(const std::string& folder)
        : fd_(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) {
        if (fd_ < 0) fail("make a file");
    }
    ~FilePayload() override { ::close(fd_); }
    FilePayload(const FilePayload&) = delete;
    FilePayload& operator=(const FilePayload&) = delete;

    void append(std::span<const std::byte> bytes) {
        while (!bytes.empty()) {
            const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) fail("write");
            size_ += static_cast<std::uint64_t>(n);
            bytes = bytes.subspan(static_cast<std::size_t>(n));
        }
    }

    std::uint64_t size() const override { return size_; }

    std::size_t read(std::span<std::byte> buffer) override {
        for (;;) {
            const ssize_t n = ::pread(fd_, buffer.data(), buffer.size(), static_cast<off_t>(given_));
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) fail("read");
            given_ += static_cast<std::uint64_t>(n);
            return static_cast<std::size_t>(n);
        }
    }

    bool restart() override { return given_ = 0, true; }

  private:
    [[noreturn]] static void fail(const std::string& doing) {
        throw sdk::errno_failure(errno, "cannot " + doing +
                                            " in the folder of option 'spool_folder', where bodies of unknown size "
                                            "are collected");
    }

    int fd_;
    std::uint64_t size_ = 0;
    std::uint64_t given_ = 0;
};

}  // namespace

std::size_t TextPayload::read(std::span<std::byte> buffer) {
    const std::size_t n = std::min(buffer.size(), text_.size() - given_);
    std::memcpy(buffer.data(), text_.data() + given_, n);
    given_ += n;
    return n;
}

std::unique_ptr<Payload> make_payload(const sdk::Call& call, sdk::Reader& body, const std::string& spool_folder,
                                      std::uint64_t rereadable_below) {
    const auto announced = body.size();
    if (announced && *announced > kInMemory && *announced >= rereadable_below)
        return std::make_unique<StreamPayload>(call, body, *announced);

    // One byte more than allowed, so that the body reaches its end in here.
    std::string text(std::min<std::uint64_t>(announced.value_or(kInMemory), kInMemory) + 1, '\0');
    std::size_t have = 0;
    const auto room = [&] { return std::as_writable_bytes(std::span(text).subspan(have)); };
    bool ended = false;
    while (!ended && have < text.size()) {
        call.throw_if_cancelled();
        const std::size_t n = body.read(room());
        ended = n == 0;
        have += n;
    }
    const auto check_size = [&](std::uint64_t got, bool whole) {
        if (announced && got > *announced) refuse_longer(*announced);
        if (announced && whole && got < *announced) refuse_shorter(got, *announced);
    };
    check_size(have, ended);
    text.resize(have);
    if (ended) return std::make_unique<TextPayload>(std::move(text));

    auto file = std::make_unique<FilePayload>(spool_folder);
    file->append(bytes_of(text));
    text.resize(kBlock);
    have = 0;
    for (;;) {
        call.throw_if_cancelled();
        const std::size_t n = body.read(room());
        check_size(file->size() + n, n == 0);
        if (n == 0) return file;
        file->append(bytes_of(text).first(n));
    }
}

std::size_t MeasuredBody::read(std::span<std::byte> buffer) {
    const std::size_t n = payload_.read(buffer);
    md5_.update(buffer.first(n));
    return n;
}

ChunkSignedBody::ChunkSignedBody(Payload& payload, Signer signer, std::string seed)
    : payload_(payload), signer_(std::move(signer)), previous_(std::move(seed)) {}

std::uint64_t ChunkSignedBody::wire_size(std::uint64_t payload_size) {
    const auto framed = [](std::uint64_t n) { return hex_number(n).size() + kChunkFrame + n; };
    const std::uint64_t rest = payload_size % kChunk;
    return payload_size / kChunk * framed(kChunk) + (rest > 0 ? framed(rest) : 0) + framed(0);
}

void ChunkSignedBody::next_chunk() {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, payload_.size() - taken_));
    std::string data(size, '\0');
    for (std::size_t have = 0; have < size;)
        have += payload_.read(std::as_writable_bytes(std::span(data).subspan(have)));
    taken_ += size;
    last_made_ = size == 0;
    previous_ = signer_.chunk_signature(previous_, sha256_hex(data));
    framed_ = hex_number(size).append(";chunk-signature=").append(previous_).append("\r\n");
    framed_.append(data).append("\r\n");
    given_ = 0;
}

std::size_t ChunkSignedBody::read(std::span<std::byte> buffer) {
    if (given_ == framed_.size() && !last_made_) next_chunk();
    const std::size_t n = std::min(buffer.size(), framed_.size() - given_);
    std::memcpy(buffer.data(), framed_.data() + given_, n);
    given_ += n;
    return n;
}

}  // namespace imgsrv::s3
