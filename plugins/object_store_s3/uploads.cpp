#include "uploads.h"

#include <imgsrv/cpp/object_key.hpp>

#include "requests.h"

namespace imgsrv::s3 {
namespace {

// "d.<id of the store>" or "a.<name>.<id of the store>".
constexpr std::string_view kDirect = "d.";
constexpr std::string_view kAside = "a.";
constexpr std::size_t kNameDigits = 32;

std::string id_text(const AsideUpload::Id& id) {
    return std::string(kAside) + id.name + "." + id.native;
}

std::optional<std::string> direct_id(std::string_view upload_id) {
    if (!upload_id.starts_with(kDirect) || upload_id.size() == kDirect.size()) return std::nullopt;
    return std::string(upload_id.substr(kDirect.size()));
}

std::optional<AsideUpload::Id> aside_id(std::string_view upload_id) {
    if (!upload_id.starts_with(kAside)) return std::nullopt;
    upload_id.remove_prefix(kAside.size());
    if (upload_id.size() <= kNameDigits || upload_id[kNameDigits] != '.') return std::nullopt;
    const auto name = upload_id.substr(0, kNameDigits);
    if (name.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
    return AsideUpload::Id{std::string(name), std::string(upload_id.substr(kNameDigits + 1))};
}

sdk::Failure unknown_upload() {
    return sdk::Failure(IMGSRV_NOT_FOUND, "there is no such upload").with_native("NoSuchUpload");
}

// Both kinds need the store's id for everything but an abort.
bool open(const std::optional<AsideUpload::Id>& id) {
    return id && !id->native.empty();
}

}  // namespace

std::string Uploads::create(const sdk::Call& call, std::string_view key) {
    const std::string target(key);
    const auto traits = traits_.get(call);
    if ((traits.strict_uploads && traits.md5_etags) || !AsideUpload::fits(key))
        return std::string(kDirect) + parse_upload_id(client_.send_ok(call, create_upload(target, {})).body);
    return id_text(AsideUpload::create(call, client_, target));
}

std::string Uploads::put_part(const sdk::Call& call, std::string_view key, std::string_view upload_id,
                              std::uint32_t number, sdk::Reader& body) {
    if (number < 1 || number > kMaxPartNumber) {
        throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, "a part's number is 1 to " + std::to_string(kMaxPartNumber) +
                                                        ", not " + std::to_string(number));
    }
    const auto traits = traits_.get(call);
    const auto& spool = client_.settings().spool_folder;
    if (const auto id = direct_id(upload_id)) {
        const auto payload = make_payload(call, body, spool);
        return NativeUpload(client_, objects_, std::string(key), *id).put_part(call, number, *payload);
    }
    if (const auto id = aside_id(upload_id); open(id)) {
        const auto payload = make_payload(call, body, spool, traits.strict_uploads ? 0 : kLeastPart);
        return AsideUpload(client_, objects_, copier_, traits.strict_uploads, std::string(key), *id)
            .put_part(call, number, *payload);
    }
    throw unknown_upload();
}

sdk::ObjectInfo Uploads::complete(const sdk::Call& call, std::string_view key, std::string_view upload_id,
                                  std::span<const imgsrv_part> parts) {
    const auto named = named_parts(parts);
    std::string target(key);
    if (const auto id = direct_id(upload_id))
        return complete_direct(call, target, NativeUpload(client_, objects_, target, *id), named);
    if (const auto id = aside_id(upload_id); open(id)) {
        return AsideUpload(client_, objects_, copier_, traits_.get(call).strict_uploads, std::move(target), *id)
            .complete(call, named);
    }
    throw unknown_upload();
}

sdk::ObjectInfo Uploads::complete_direct(const sdk::Call& call, const std::string& key, NativeUpload upload,
                                         const std::vector<ListedPart>& named) {
    // The etag that the object will have, by which a repeated completion recognises it.
    const auto etag = joined_etag(named);
    std::optional<sdk::Failure> failure;
    bool completed = false;
    if (const auto stored = upload.parts(call)) {
        check_stored(named, *stored);
        failure = upload.complete(call, named);
        completed = !failure;
    }
    const auto found = objects_.find(call, key);
    if (found && found->info.size == total_size(named) && (completed || (etag && found->info.etag == *etag)))
        return found->info;
    // It was there, and another one has replaced it since.
    if (completed && etag) return {key, *etag, total_size(named), found ? found->info.mtime_us : 0};
    if (failure && upload.parts(call)) throw sdk::Failure(*failure);
    throw unknown_upload();
}

void Uploads::abort(const sdk::Call& call, std::string_view key, std::string_view upload_id) {
    if (const auto id = direct_id(upload_id))
        NativeUpload(client_, objects_, std::string(key), *id).abort(call);
    else if (const auto hidden = aside_id(upload_id))
        AsideUpload(client_, objects_, copier_, false, std::string(key), *hidden).abort(call);
}

void Uploads::list(const sdk::Call& call, std::string_view prefix, sdk::UploadSink& out) {
    UploadPage page;
    do {
        page = parse_upload_page(
            client_.send_ok(call, list_uploads(std::string(prefix), page.next_key_marker, page.next_upload_id_marker))
                .body);
        for (const auto& upload : page.uploads) {
            if (!sdk::key_fault(upload.key).empty()) continue;
            out.emit(upload.key, std::string(kDirect) + upload.upload_id, upload.created_us);
        }
    } while (page.more && !page.uploads.empty());
    for (const auto& listed : AsideUpload::list(call, client_, std::string(prefix)))
        out.emit(listed.key, id_text(listed.id), listed.created_us);
}

}  // namespace imgsrv::s3
