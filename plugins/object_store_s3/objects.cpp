#include "objects.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <imgsrv/cpp/object_key.hpp>

#include "download.h"
#include "requests.h"

namespace imgsrv::s3 {
namespace {

// No object is larger than 5 TiB; far beyond that, servers differ on what a range means.
constexpr std::uint64_t kBeyondAnyObject = 1ULL << 50;
constexpr std::uint32_t kPage = 1000;

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

sdk::ObjectInfo info_of(std::string_view key, const Answer& answer) {
    // A proxy that drops the size must not make an object look empty.
    if (answer.header("content-length").empty()) {
        throw sdk::Failure(IMGSRV_UNAVAILABLE, "the object store's answer does not give the object's size")
            .with_retryable();
    }
    return {std::string(key), answer.etag(), number(answer.header("content-length")),
            parse_http_time_us(answer.header("last-modified"))};
}

// The whole object's size in "bytes 0-9/443"; none when it is unknown.
std::optional<std::uint64_t> total_of(const std::string& content_range) {
    const auto slash = content_range.find('/');
    if (slash == std::string::npos || content_range.substr(slash + 1) == "*") return std::nullopt;
    return number(std::string_view(content_range).substr(slash + 1));
}

sdk::Failure absent() {
    return sdk::Failure(IMGSRV_NOT_FOUND, "there is no such object").with_native("NoSuchKey");
}

sdk::Failure another(std::string_view etag) {
    return sdk::Failure(IMGSRV_FAILED_PRECONDITION,
                        "the object's etag is not " + std::string(etag) + ", the one asked for")
        .with_native("PreconditionFailed");
}

}  // namespace

std::optional<FoundObject> Objects::find(const sdk::Call& call, std::string_view key) {
    const auto request = head_object(std::string(key));
    const auto answer = client_.send(call, request);
    if (answer.ok()) return FoundObject{info_of(key, answer), answer.header(kUploadMark)};
    // An answer to HEAD has no text. A request whose answer has some tells a missing object from a missing bucket,
    // which must never be mistaken for it, and a refusal from another.
    client_.send_ok(call, list_objects(std::string(key), {}, 1));
    if (answer.status == 404) return std::nullopt;
    throw client_.failure(request, answer);
}

sdk::ObjectInfo Objects::stat(const sdk::Call& call, std::string_view key) {
    auto found = find(call, key);
    if (!found) throw absent();
    return std::move(found->info);
}

sdk::OpenedObject Objects::open_nothing(const sdk::Call& call, std::string_view key, std::string_view if_etag,
                                        std::uint64_t offset) {
    auto info = stat(call, key);
    if (!if_etag.empty() && info.etag != if_etag) throw another(if_etag);
    if (offset > info.size) {
        throw sdk::Failure(IMGSRV_OUT_OF_RANGE, "the object has " + std::to_string(info.size) + " bytes, offset " +
                                                    std::to_string(offset) + " is beyond")
            .with_native("InvalidRange");
    }
    auto body = std::make_unique<Download>(client_, std::string(key), info.etag, offset, 0, nullptr);
    return {std::move(info), std::move(body)};
}

sdk::OpenedObject Objects::open(const sdk::Call& call, std::string_view key, std::string_view if_etag,
                                std::uint64_t offset, std::optional<std::uint64_t> length) {
    if (length == 0 || offset >= kBeyondAnyObject) return open_nothing(call, key, if_etag, offset);
    auto request = get_object(std::string(key));
    if (!if_etag.empty()) request.headers["if-match"] = '"' + std::string(if_etag) + '"';
    if (length && *length < kBeyondAnyObject)
        request.headers["range"] = byte_range(offset, offset + *length - 1);
    else if (offset > 0)
        request.headers["range"] = "bytes=" + std::to_string(offset) + "-";
    auto opened = client_.open(call, request);
    const auto& answer = opened.answer;
    if (answer.is(404, "NoSuchKey")) throw absent();
    if (answer.is(412, "PreconditionFailed")) throw another(if_etag);
    // The end exactly, or beyond.
    if (answer.is(416, "InvalidRange")) return open_nothing(call, key, if_etag, offset);
    if (!opened.transfer) throw client_.failure(request, answer);

    auto info = info_of(key, answer);
    std::uint64_t bytes = info.size;
    if (answer.status == 206) {
        const auto total = total_of(answer.header("content-range"));
        info.size = total ? *total : stat(call, key).size;
    } else {
        if (offset > 0) throw sdk::Failure(IMGSRV_UNIMPLEMENTED, "the object store does not serve ranges of objects");
        bytes = std::min(bytes, length.value_or(bytes));
    }
    auto body =
        std::make_unique<Download>(client_, std::string(key), info.etag, offset, bytes, std::move(opened.transfer));
    return {std::move(info), std::move(body)};
}

void Objects::prove(const sdk::Call& call, const Request& request, const Answer& answer) {
    if (answer.sent_md5.empty() || answer.etag() == answer.sent_md5 || !traits_.get(call).md5_etags) return;
    client_.log().error(call, "the object store received other bytes than were sent",
                        {{"operation", request.operation}, {"etag", answer.etag()}, {"md5", answer.sent_md5}});
    throw sdk::Failure(IMGSRV_UNAVAILABLE, "the bytes arrived damaged at the object store; send them again")
        .with_native("BadDigest")
        .with_retryable();
}

sdk::ObjectInfo Objects::put(const sdk::Call& call, std::string_view key, sdk::Reader& body, bool if_absent) {
    const auto traits = traits_.get(call);
    const auto payload = make_payload(call, body, client_.settings().spool_folder);
    auto request = put_object(std::string(key), *payload);
    const auto exists = [] {
        return sdk::Failure(IMGSRV_ALREADY_EXISTS, "there is an object at this key").with_native("PreconditionFailed");
    };
    if (if_absent && traits.put_if_absent) {
        request.headers["if-none-match"] = "*";
        // A second attempt could not tell the first one's object from another's.
        request.repeat = Repeat::if_unsent;
    } else if (if_absent && find(call, key)) {
        throw exists();
    }
    // The commit point is the store's, when all bytes have arrived.
    const auto answer = client_.send(call, request);
    if (if_absent && answer.is(412, "PreconditionFailed")) throw exists();
    if (!answer.ok()) throw client_.failure(request, answer);
    try {
        prove(call, request, answer);
    } catch (const sdk::Failure&) {
        // Damaged bytes must not stay where good ones are expected; another writer may have replaced them since.
        const auto found = find(call, key);
        if (found && found->info.etag == answer.etag()) remove(call, key);
        throw;
    }
    return {std::string(key), answer.etag(), payload->size(), parse_http_time_us(answer.header("date"))};
}

void Objects::remove(const sdk::Call& call, std::string_view key) {
    const auto request = delete_object(std::string(key));
    const auto answer = client_.send(call, request);
    if (!answer.ok() && !answer.is(404, "NoSuchKey")) throw client_.failure(request, answer);
}

bool Objects::list(const sdk::Call& call, std::string_view prefix, std::string_view start_after, std::uint32_t max,
                   sdk::ObjectSink& out) {
    if (max == 0) throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, "a list has at least 1 object, not 0");
    std::string after(start_after);
    // Asks for one more than wanted: "more" must mean one of the host's objects, not any object.
    for (std::uint32_t emitted = 0;;) {
        const auto page = parse_object_page(
            client_.send_ok(call, list_objects(std::string(prefix), after, std::min(kPage - 1, max - emitted) + 1))
                .body);
        for (const auto& object : page.objects) {
            after = object.key;
            if (!sdk::key_fault(object.key).empty()) continue;
            if (emitted == max) return true;
            out.emit({object.key, object.etag, object.size, object.mtime_us});
            ++emitted;
        }
        if (!page.more || page.objects.empty()) return false;
    }
}

}  // namespace imgsrv::s3
