#include "probe_leftovers.h"

#include <imgsrv/cpp/patience.hpp>

#include "requests.h"
#include "traits.h"

namespace imgsrv::s3 {
namespace {

constexpr std::uint32_t kPage = 1000;

// Made so long ago, when the store gave this answer. A time that cannot be read is not old.
bool dead(const Answer& answer, std::int64_t made_us) {
    const auto now_us = parse_http_time_us(answer.header("date"));
    return made_us > 0 && now_us - made_us > std::chrono::microseconds(kProbeIsDead).count();
}

}  // namespace

void ProbeLeftovers::remove_when_due(const sdk::Call& call) {
    const auto now = sdk::monotonic_ns();
    auto due = due_ns_.load();
    if (now < due || !due_ns_.compare_exchange_strong(due, now + std::chrono::nanoseconds(kProbeIsDead).count()))
        return;
    try {
        remove_objects(call);
        remove_uploads(call);
    } catch (const sdk::Failure& e) {
        client_.log().warn(call, "leftovers of killed processes in the bucket could not be removed",
                           {{"error", e.what()}});
    }
}

void ProbeLeftovers::remove_objects(const sdk::Call& call) {
    ObjectPage page;
    std::string after;
    do {
        const auto answer = client_.send_ok(call, list_objects(std::string(kProbePrefix), after, kPage));
        page = parse_object_page(answer.body);
        for (const auto& object : page.objects) {
            after = object.key;
            if (dead(answer, object.mtime_us)) client_.send_ok(call, delete_object(object.key));
        }
    } while (page.more && !page.objects.empty());
}

void ProbeLeftovers::remove_uploads(const sdk::Call& call) {
    UploadPage page;
    do {
        const auto answer = client_.send_ok(
            call, list_uploads(std::string(kProbePrefix), page.next_key_marker, page.next_upload_id_marker));
        page = parse_upload_page(answer.body);
        for (const auto& upload : page.uploads) {
            // Another process may be faster.
            if (dead(answer, upload.created_us)) client_.send(call, abort_upload(upload.key, upload.upload_id));
        }
    } while (page.more && !page.uploads.empty());
}

}  // namespace imgsrv::s3
