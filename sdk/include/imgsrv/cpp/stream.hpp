// Pulled streams in both directions: readers the host hands in, and readers a plugin hands out.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include "failure.hpp"

namespace imgsrv::sdk {

// A view over a borrowed imgsrv_reader. One thread at a time.
class Reader {
  public:
    explicit Reader(imgsrv_reader* raw) noexcept : raw_(raw) {}

    // Bytes it yields in all; none when unknown.
    std::optional<std::uint64_t> size() const noexcept {
        if (raw_->size < 0) return std::nullopt;
        return static_cast<std::uint64_t>(raw_->size);
    }

    // Blocks until at least one byte is there. 0 means the end, unless the buffer is empty.
    std::size_t read(std::span<std::byte> buffer) {
        imgsrv_error err{};
        const std::int64_t n = raw_->read(raw_->ctx, buffer.data(), buffer.size(), &err);
        if (n < 0) throw Failure(static_cast<imgsrv_code>(-n), err);
        return static_cast<std::size_t>(n);
    }

    // Reads until the buffer is full or the stream ends. Less than asked for means the end.
    std::size_t read_full(std::span<std::byte> buffer) {
        std::size_t have = 0;
        while (have < buffer.size()) {
            const std::size_t n = read(buffer.subspan(have));
            if (n == 0) break;
            have += n;
        }
        return have;
    }

    bool can_rewind() const noexcept { return raw_->rewind != nullptr; }
    // Starts again at the first byte. Requires can_rewind().
    void rewind() {
        imgsrv_error err{};
        check(raw_->rewind(raw_->ctx, &err), err);
    }

  private:
    imgsrv_reader* raw_;
};

// A reader that the plugin owns, such as an opened blob. Closes it once.
class OwnedReader {
  public:
    OwnedReader() : raw_(new imgsrv_reader{}) { raw_->struct_size = sizeof *raw_; }

    // For the function that fills it.
    imgsrv_reader* raw() noexcept { return raw_.get(); }
    Reader view() noexcept { return Reader(raw_.get()); }

    std::optional<std::uint64_t> size() const noexcept { return Reader(raw_.get()).size(); }
    std::size_t read(std::span<std::byte> buffer) { return view().read(buffer); }
    std::size_t read_full(std::span<std::byte> buffer) { return view().read_full(buffer); }

  private:
    struct Close {
        void operator()(imgsrv_reader* r) const noexcept {
            if (r->close) r->close(r->ctx);
            delete r;
        }
    };
    std::unique_ptr<imgsrv_reader, Close> raw_;
};

// A stream the plugin yields. Its destructor is the close.
class ByteSource {
  public:
    ByteSource() = default;
    ByteSource(const ByteSource&) = delete;
    ByteSource& operator=(const ByteSource&) = delete;
    virtual ~ByteSource() = default;

    // Bytes it yields in all; none when unknown. Asked once, when it is handed out.
    virtual std::optional<std::uint64_t> size() const { return std::nullopt; }
    // Blocks until at least one byte is there; 0 means the end.
    virtual std::size_t read(std::span<std::byte> buffer) = 0;
    virtual bool can_rewind() const { return false; }
    virtual void rewind() { throw Failure(IMGSRV_UNIMPLEMENTED, "this stream cannot be rewound"); }
};

// Hands the source to *ret, whose close() deletes it. ret->struct_size stays as its owner set it.
inline void hand_out(std::unique_ptr<ByteSource> source, imgsrv_reader* ret) {
    const auto size = source->size();
    ret->flags = 0;
    ret->size = size ? static_cast<std::int64_t>(*size) : -1;
    ret->read = [](void* ctx, void* buf, std::size_t cap, imgsrv_error* err) noexcept -> std::int64_t {
        return guarded_count<std::int64_t>(err, [&] {
            return static_cast<ByteSource*>(ctx)->read({static_cast<std::byte*>(buf), cap});
        });
    };
    ret->rewind = nullptr;
    if (source->can_rewind())
        ret->rewind = [](void* ctx, imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] { static_cast<ByteSource*>(ctx)->rewind(); });
        };
    ret->close = [](void* ctx) noexcept { delete static_cast<ByteSource*>(ctx); };
    ret->ctx = source.release();
}

// Where a plugin writes a document to.
class ByteSink {
  public:
    explicit ByteSink(imgsrv_byte_sink* raw) noexcept : raw_(raw) {}

    void write(std::string_view bytes) {
        if (const imgsrv_code code = raw_->write(raw_->ctx, bytes.data(), bytes.size()); code != IMGSRV_OK)
            throw Failure(code, "the reader of this document went away");
    }

  private:
    imgsrv_byte_sink* raw_;
};

}  // namespace imgsrv::sdk
