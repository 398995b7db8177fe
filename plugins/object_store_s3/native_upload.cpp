#include "native_upload.h"

#include "requests.h"

namespace imgsrv::s3 {
namespace {

// Ceph answers NoSuchKey for an upload that is complete.
bool no_upload(const Answer& answer) {
    return answer.is(404, "NoSuchUpload") || answer.is(404, "NoSuchKey");
}

}  // namespace

std::string NativeUpload::put_part(const sdk::Call& call, std::uint32_t number, Payload& payload) {
    const auto request = upload_part(key_, id_, number, payload);
    const auto answer = client_.send_ok(call, request);
    objects_.prove(call, request, answer);
    return answer.etag();
}

std::optional<std::vector<ListedPart>> NativeUpload::parts(const sdk::Call& call) {
    std::vector<ListedPart> all;
    std::string marker;
    for (;;) {
        const auto request = list_parts(key_, id_, marker);
        const auto answer = client_.send(call, request);
        if (no_upload(answer)) return std::nullopt;
        if (!answer.ok()) throw client_.failure(request, answer);
        auto page = parse_part_page(answer.body);
        all.insert(all.end(), page.parts.begin(), page.parts.end());
        if (!page.more || page.parts.empty()) return all;
        marker = std::to_string(all.back().number);
    }
}

std::optional<sdk::Failure> NativeUpload::complete(const sdk::Call& call, const std::vector<ListedPart>& parts) {
    TextPayload document(completion_document(parts));
    const auto request = complete_upload(key_, id_, document);
    const auto answer = client_.send(call, request);
    if (!answer.ok()) return client_.failure(request, answer);
    try {
        expect_completed(answer.body);
    } catch (const sdk::Failure& failure) {
        return failure;
    }
    return std::nullopt;
}

void NativeUpload::abort(const sdk::Call& call) {
    const auto request = abort_upload(key_, id_);
    const auto answer = client_.send(call, request);
    if (!answer.ok() && !no_upload(answer)) throw client_.failure(request, answer);
}

}  // namespace imgsrv::s3
