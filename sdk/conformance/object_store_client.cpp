#include "conformance/object_store_client.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <utility>

namespace imgsrv::conformance {
namespace {

std::string text(imgsrv_str s) {
    return s.len == 0 ? std::string() : std::string(s.ptr, s.len);
}

std::uint64_t word(std::uint64_t seed, std::uint64_t index) {
    // splitmix64
    std::uint64_t z = seed * 0xD1342543DE82EF95U + (index + 1) * 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

imgsrv_code take_object(void* ctx, const imgsrv_object_info* info) noexcept {
    if (auto* out = static_cast<Object*>(ctx)) *out = {text(info->key), text(info->etag), info->size, info->mtime_us};
    return IMGSRV_OK;
}

imgsrv_code add_object(void* ctx, const imgsrv_object_info* info) noexcept {
    static_cast<Page*>(ctx)->objects.push_back({text(info->key), text(info->etag), info->size, info->mtime_us});
    return IMGSRV_OK;
}

imgsrv_code add_upload(void* ctx, const imgsrv_upload_info* info) noexcept {
    static_cast<std::vector<OpenUpload>*>(ctx)->push_back({text(info->key), text(info->upload_id), info->created_us});
    return IMGSRV_OK;
}

imgsrv_str_sink into(std::string* out) {
    return {out, [](void* ctx, imgsrv_str v) noexcept { *static_cast<std::string*>(ctx) = text(v); }};
}

std::vector<imgsrv_part> borrowed(const std::vector<Part>& parts) {
    std::vector<imgsrv_part> out;
    out.reserve(parts.size());
    for (const auto& part : parts) out.push_back({part.number, 0, part.size, str(part.etag)});
    return out;
}

}  // namespace

imgsrv_str str(std::string_view s) {
    return {s.data(), s.size()};
}

void Pattern::fill(std::uint64_t offset, void* to, std::size_t n) const {
    auto* out = static_cast<unsigned char*>(to);
    while (n > 0) {
        const std::uint64_t value = word(seed, offset / 8);
        const std::size_t skip = offset % 8;
        const std::size_t step = std::min<std::size_t>(8 - skip, n);
        std::memcpy(out, reinterpret_cast<const unsigned char*>(&value) + skip, step);
        out += step;
        offset += step;
        n -= step;
    }
}

std::string Pattern::text() const {
    std::string out(size, '\0');
    fill(0, out.data(), out.size());
    return out;
}

Body::Body(Pattern pattern) : pattern_(pattern) {
    reader_.struct_size = sizeof reader_;
    reader_.size = static_cast<std::int64_t>(pattern.size);
    reader_.ctx = this;
    reader_.read = [](void* ctx, void* to, std::size_t cap, imgsrv_error* error) noexcept {
        return static_cast<Body*>(ctx)->read(to, cap, error);
    };
    reader_.close = [](void* ctx) noexcept { static_cast<Body*>(ctx)->closed_ = true; };
}

Body::~Body() = default;

Body& Body::announce(std::int64_t size) {
    reader_.size = size;
    return *this;
}

Body& Body::fail_at(std::uint64_t offset, imgsrv_code code) {
    fail_offset_ = offset;
    fail_code_ = code;
    return *this;
}

Body& Body::at(std::uint64_t offset, std::function<void()> action) {
    action_offset_ = offset;
    action_ = std::move(action);
    return *this;
}

Body& Body::dribble(std::size_t bytes) {
    step_ = bytes;
    return *this;
}

std::int64_t Body::read(void* to, std::size_t cap, imgsrv_error* error) {
    if (action_ && given_ >= action_offset_) std::exchange(action_, nullptr)();
    if (fail_offset_ && given_ >= *fail_offset_) {
        std::strcpy(error->message, "the reader was told to fail");
        return -fail_code_;
    }
    std::uint64_t n = std::min<std::uint64_t>({cap, step_, pattern_.size - given_});
    if (fail_offset_) n = std::min(n, *fail_offset_ - given_);
    if (action_) n = std::min(n, action_offset_ - given_);
    pattern_.fill(given_, to, n);
    given_ += n;
    if (n == 0) saw_end_ = true;
    return static_cast<std::int64_t>(n);
}

Stream::Stream() {
    reader_.struct_size = sizeof reader_;
}

Stream::~Stream() {
    if (reader_.close != nullptr) reader_.close(reader_.ctx);
}

std::int64_t Stream::read(void* to, std::size_t n, imgsrv_error* error) {
    return reader_.read(reader_.ctx, to, n, error);
}

std::string Stream::read_all() {
    std::string all;
    std::vector<char> block(1 << 20);
    for (;;) {
        imgsrv_error error{};
        const auto n = read(block.data(), block.size(), &error);
        if (n < 0) throw Failure(std::string("reading failed: ") + error.message);
        if (n == 0) return all;
        all.append(block.data(), static_cast<std::size_t>(n));
    }
}

void Stream::expect(const std::vector<Pattern>& patterns, std::uint64_t offset) {
    std::vector<char> got(1 << 20);
    std::vector<char> wanted(got.size());
    std::size_t have = 0;
    std::uint64_t position = offset;
    const auto next = [&](void* to, std::size_t n) {
        imgsrv_error error{};
        const auto count = read(to, n, &error);
        if (count < 0) throw Failure("reading failed at byte " + std::to_string(position) + ": " + error.message);
        return static_cast<std::size_t>(count);
    };
    for (const auto& pattern : patterns) {
        if (offset >= pattern.size) {
            offset -= pattern.size;
            continue;
        }
        for (std::uint64_t at = std::exchange(offset, 0); at < pattern.size; at += have, position += have) {
            have = next(got.data(), std::min<std::uint64_t>(got.size(), pattern.size - at));
            if (have == 0) throw Failure("the bytes end at " + std::to_string(position));
            pattern.fill(at, wanted.data(), have);
            if (std::memcmp(got.data(), wanted.data(), have) != 0) {
                throw Failure("wrong bytes after byte " + std::to_string(position));
            }
        }
    }
    if (next(got.data(), got.size()) != 0) throw Failure("there are bytes after byte " + std::to_string(position));
}

Store::Store(Instance& instance)
    : instance_(instance), table_(*static_cast<const imgsrv_object_store*>(instance.component().vtable)) {
    std::random_device random;
    prefix_ = "conformance/" + std::to_string(random()) + "/";
}

Store::~Store() {
    try {
        imgsrv_error error{};
        for (const auto& upload : mp_list(prefix_)) mp_abort(upload.key, upload.id, &error);
        for (bool more = true; more;) {
            const auto page = list(prefix_, {}, 100);
            for (const auto& object : page.objects) remove(object.key, &error);
            more = page.more && !page.objects.empty();
        }
    } catch (const std::exception&) {
        return;  // a store that cannot list fails its own checks
    }
}

template <class Table>
const Table& Store::extension(const char* id) const {
    const auto lookup = instance_.component().extension;
    const void* table = lookup != nullptr ? lookup(id) : nullptr;
    if (table == nullptr) throw NotOffered(std::string("no extension ") + id);
    return *static_cast<const Table*>(table);
}

const imgsrv_ext_store_local_fd& Store::local_fd() const {
    return extension<imgsrv_ext_store_local_fd>(IMGSRV_EXT_STORE_LOCAL_FD);
}

const imgsrv_ext_store_part_reader& Store::part_reader() const {
    return extension<imgsrv_ext_store_part_reader>(IMGSRV_EXT_STORE_PART_READER);
}

const imgsrv_ext_store_part_limits& Store::part_limits() const {
    return extension<imgsrv_ext_store_part_limits>(IMGSRV_EXT_STORE_PART_LIMITS);
}

imgsrv_code Store::stat(std::string_view key, Object* out, imgsrv_error* error) {
    imgsrv_object_sink sink{out, take_object};
    return table_.stat(self(), call_.get(), str(key), &sink, error);
}

imgsrv_code Store::open(std::string_view key, std::string_view if_etag, std::uint64_t offset, std::int64_t length,
                        Stream* out, Object* info, imgsrv_error* error) {
    imgsrv_object_sink sink{info, take_object};
    return table_.open(self(), call_.get(), str(key), str(if_etag), offset, length, out->raw(), &sink, error);
}

imgsrv_code Store::put(std::string_view key, Body& body, std::uint32_t flags, Object* out, imgsrv_error* error,
                       const Call* call) {
    imgsrv_object_sink sink{out, take_object};
    return table_.put(self(), (call != nullptr ? *call : call_).get(), str(key), body.reader(), flags, &sink, error);
}

imgsrv_code Store::copy(std::string_view src, std::string_view if_src_etag, std::string_view dst, std::uint32_t flags,
                        Object* out, imgsrv_error* error) {
    imgsrv_object_sink sink{out, take_object};
    return table_.copy(self(), call_.get(), str(src), str(if_src_etag), str(dst), flags, &sink, error);
}

imgsrv_code Store::remove(std::string_view key, imgsrv_error* error) {
    return table_.remove(self(), call_.get(), str(key), error);
}

imgsrv_code Store::list(std::string_view prefix, std::string_view start_after, std::uint32_t max, Page* out,
                        imgsrv_error* error) {
    imgsrv_object_sink sink{out, add_object};
    std::int32_t more = -1;
    const auto code = table_.list(self(), call_.get(), str(prefix), str(start_after), max, &sink, &more, error);
    out->more = more != 0;
    return code;
}

imgsrv_code Store::mp_create(std::string_view key, std::uint64_t expected_size, std::string* id, imgsrv_error* error) {
    const imgsrv_upload_hints hints{sizeof hints, 0, expected_size};
    auto sink = into(id);
    return table_.mp_create(self(), call_.get(), str(key), expected_size != 0 ? &hints : nullptr, &sink, error);
}

imgsrv_code Store::mp_put_part(std::string_view key, std::string_view id, std::uint32_t number, Body& body,
                               std::string* etag, imgsrv_error* error, const Call* call) {
    auto sink = into(etag);
    return table_.mp_put_part(self(), (call != nullptr ? *call : call_).get(), str(key), str(id), number, body.reader(),
                              &sink, error);
}

imgsrv_code Store::mp_complete(std::string_view key, std::string_view id, const std::vector<Part>& parts, Object* out,
                               imgsrv_error* error, const Call* call) {
    imgsrv_object_sink sink{out, take_object};
    const auto list = borrowed(parts);
    return table_.mp_complete(self(), (call != nullptr ? *call : call_).get(), str(key), str(id), list.data(),
                              list.size(), &sink, error);
}

imgsrv_code Store::mp_abort(std::string_view key, std::string_view id, imgsrv_error* error) {
    return table_.mp_abort(self(), call_.get(), str(key), str(id), error);
}

bool Store::is_open(std::string_view id) {
    const auto uploads = mp_list(prefix());
    return std::any_of(uploads.begin(), uploads.end(), [&](const auto& upload) { return upload.id == id; });
}

imgsrv_code Store::open_part(std::string_view key, std::string_view id, const Part& part, std::uint64_t offset,
                             Stream* out, imgsrv_error* error) {
    const imgsrv_part wanted{part.number, 0, part.size, str(part.etag)};
    return part_reader().open_part(self(), call_.get(), str(key), str(id), &wanted, offset, out->raw(), error);
}

Object Store::put(std::string_view key, Pattern pattern) {
    Object object;
    Body body(pattern);
    imgsrv_error error;
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, put(key, body, 0, &object, &error));
    return object;
}

Object Store::stat(std::string_view key) {
    Object object;
    imgsrv_error error;
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, stat(key, &object, &error));
    return object;
}

bool Store::exists(std::string_view key) {
    imgsrv_error error{};
    const auto code = stat(key, nullptr, &error);
    if (code != IMGSRV_OK && code != IMGSRV_NOT_FOUND) throw Failure(std::string("stat failed: ") + error.message);
    return code == IMGSRV_OK;
}

void Store::expect_object(std::string_view key, const std::vector<Pattern>& patterns) {
    Stream stream;
    Object info;
    imgsrv_error error;
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, open(key, {}, 0, -1, &stream, &info, &error));
    std::uint64_t size = 0;
    for (const auto& pattern : patterns) size += pattern.size;
    IMGSRV_EXPECT(info.size == size);
    stream.expect(patterns);
}

Page Store::list(std::string_view prefix, std::string_view start_after, std::uint32_t max) {
    Page page;
    imgsrv_error error;
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, list(prefix, start_after, max, &page, &error));
    return page;
}

std::string Store::mp_create(std::string_view key, std::uint64_t expected_size) {
    std::string id;
    imgsrv_error error;
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, mp_create(key, expected_size, &id, &error));
    IMGSRV_EXPECT(!id.empty());
    return id;
}

Part Store::mp_put_part(std::string_view key, std::string_view id, std::uint32_t number, Pattern pattern) {
    Part part{number, pattern.size, {}};
    Body body(pattern);
    imgsrv_error error;
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, mp_put_part(key, id, number, body, &part.etag, &error));
    IMGSRV_EXPECT(!part.etag.empty());
    return part;
}

Object Store::mp_complete(std::string_view key, std::string_view id, const std::vector<Part>& parts) {
    Object object;
    imgsrv_error error;
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, mp_complete(key, id, parts, &object, &error));
    return object;
}

std::vector<OpenUpload> Store::mp_list(std::string_view prefix) {
    std::vector<OpenUpload> uploads;
    imgsrv_upload_sink sink{&uploads, add_upload};
    imgsrv_error error;
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, table_.mp_list(self(), call_.get(), str(prefix), &sink, &error));
    return uploads;
}

}  // namespace imgsrv::conformance
