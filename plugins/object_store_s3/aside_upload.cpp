#include "aside_upload.h"

#include <algorithm>
#include <map>

#include "requests.h"

namespace imgsrv::s3 {
namespace {

const std::string kRoot = std::string(kOwnPrefix) + "uploads/";
constexpr std::string_view kNameMark = "/~";
constexpr std::size_t kMaxS3Key = 1024;
// NAME has 32 digits; the longest addition to it is "/small-10000".
constexpr std::size_t kAdditions = 32 + 12;

std::string hidden_key(std::string_view key, std::string_view name) {
    return kRoot + std::string(key) + std::string(kNameMark) + std::string(name);
}

// The key and the name in a hidden key, or in one below it.
std::optional<AsideUpload::Listed> parse_hidden(std::string_view hidden) {
    if (!hidden.starts_with(kRoot)) return std::nullopt;
    hidden.remove_prefix(kRoot.size());
    const auto mark = hidden.rfind(kNameMark);
    if (mark == std::string_view::npos) return std::nullopt;
    const auto name = hidden.substr(mark + kNameMark.size());
    return AsideUpload::Listed{
        std::string(hidden.substr(0, mark)), {std::string(name.substr(0, name.find('/'))), {}}, 0};
}

const std::string& filling() {
    static const std::string kZeros(kLeastPart, '\0');
    return kZeros;
}

const std::string& filling_etag() {
    static const std::string kEtag = md5_hex(filling());
    return kEtag;
}

}  // namespace

bool AsideUpload::fits(std::string_view key) {
    return kRoot.size() + key.size() + kNameMark.size() + kAdditions <= kMaxS3Key;
}

AsideUpload::Id AsideUpload::create(const sdk::Call& call, Client& client, const std::string& key) {
    Id id{random_name(), {}};
    id.native = parse_upload_id(client.send_ok(call, create_upload(hidden_key(key, id.name), {})).body);
    return id;
}

AsideUpload::AsideUpload(Client& client, Objects& objects, Copier& copier, bool strict, std::string key, Id id)
    : client_(client),
      objects_(objects),
      copier_(copier),
      strict_(strict),
      key_(std::move(key)),
      id_(std::move(id)),
      hidden_(hidden_key(key_, id_.name)),
      native_(client, objects, hidden_, id_.native) {}

std::string AsideUpload::put_part(const sdk::Call& call, std::uint32_t number, Payload& payload) {
    if (payload.size() < kLeastPart && !strict_) {
        client_.send_ok(call, put_object(small_key(number), payload));
        if (!payload.restart()) throw sdk::Failure(IMGSRV_INTERNAL, "a small part cannot be read twice");
    }
    try {
        return native_.put_part(call, number, payload);
    } catch (const sdk::Failure& failure) {
        // Aborted in the meantime, and nothing would find the second copy again. A joined object may still need it.
        if (failure.code == IMGSRV_NOT_FOUND && payload.size() < kLeastPart && !objects_.find(call, hidden_))
            objects_.remove(call, small_key(number));
        throw;
    }
}

sdk::ObjectInfo AsideUpload::complete(const sdk::Call& call, const std::vector<ListedPart>& named) {
    if (auto stored = native_.parts(call)) {
        if (strict_ || stored->size() == named.size()) {
            check_stored(named, *stored);
            *stored = named;
        } else {
            *stored = arrange(call, named, std::move(*stored));
            TextPayload layout(layout_text(*stored));
            client_.send_ok(call, put_object(layout_key(), layout));
        }
        if (const auto failure = native_.complete(call, *stored)) {
            // Another process may have completed it in the meantime.
            if (native_.parts(call)) throw sdk::Failure(*failure);
        }
    }
    return publish(call, named);
}

std::vector<ListedPart> AsideUpload::arrange(const sdk::Call& call, const std::vector<ListedPart>& named,
                                             std::vector<ListedPart> stored) {
    // What has a second copy counts as stored, also when its first one was overwritten by a completion that died.
    auto found = stored;
    for (auto& part : found) {
        const auto* wanted = find_part(named, part.number);
        if (wanted != nullptr && part.etag == filling_etag() && has_small(call, *wanted)) part = *wanted;
    }
    check_stored(named, found);
    for (std::size_t i = 0; i + 1 < stored.size(); ++i) {
        auto& part = stored[i];
        if (part.size >= kLeastPart) continue;
        const auto* wanted = find_part(named, part.number);
        if (wanted != nullptr && !has_small(call, *wanted)) throw part_failure(part.number, "has lost its second copy");
        TextPayload zeros(filling());
        part = {part.number, kLeastPart, native_.put_part(call, part.number, zeros)};
    }
    return stored;
}

bool AsideUpload::has_small(const sdk::Call& call, const ListedPart& named) {
    const auto found = objects_.find(call, small_key(named.number));
    return found && found->info.etag == named.etag && found->info.size == named.size;
}

sdk::ObjectInfo AsideUpload::publish(const sdk::Call& call, const std::vector<ListedPart>& named) {
    // Twice, because another completion of the same upload may remove the joined object between two looks.
    for (int look = 0; look < 2; ++look) {
        auto there = published(call);
        if (!there) {
            const auto joined = objects_.find(call, hidden_);
            if (!joined) continue;
            try {
                copy_named(call, named, joined->info);
            } catch (const sdk::Failure& failure) {
                if (failure.code != IMGSRV_NOT_FOUND) throw;
                continue;
            }
            there = published(call);
            // It was there, and another one has replaced it since.
            if (!there) there = sdk::ObjectInfo{key_, joined->info.etag, total_size(named), joined->info.mtime_us};
        }
        try {
            remove_hidden(call);
        } catch (const sdk::Failure& e) {
            // abort() finds it again.
            client_.log().warn(call, "the hidden copies of a completed upload could not be removed",
                               {{"key", key_}, {"error", e.what()}});
        }
        return std::move(*there);
    }
    throw sdk::Failure(IMGSRV_NOT_FOUND, "there is no such upload, or its object was removed or replaced since")
        .with_native("NoSuchUpload");
}

void AsideUpload::copy_named(const sdk::Call& call, const std::vector<ListedPart>& named,
                             const sdk::ObjectInfo& joined) {
    const CopySource all{hidden_, joined.etag, 0, joined.size};
    auto opened = client_.open(call, get_object(layout_key()));
    if (!opened.transfer) {
        if (!opened.answer.is(404, "NoSuchKey")) throw client_.failure(get_object(layout_key()), opened.answer);
        if (joined.size != total_size(named))
            throw part_failure(named.back().number, "does not end the object that the upload was completed with");
        return copier_.copy(call, all, key_, id_.name);
    }
    const auto layout = parse_layout(opened.transfer->read_text(call, kMaxPartNumber * 128));
    std::vector<ListedPart> in_object;
    std::vector<CopySource> second_copies;
    for (const auto& part : named) {
        const auto* there = find_part(layout, part.number);
        if (there != nullptr && there->etag == part.etag && there->size == part.size)
            in_object.push_back(part);
        else if (there != nullptr && there->etag == filling_etag() && has_small(call, part))
            second_copies.push_back({small_key(part.number), part.etag, 0, part.size});
        else
            throw part_failure(part.number, "is not what the upload was completed with");
    }
    auto sources = ranges_of(in_object, layout, all);
    sources.insert(sources.end(), second_copies.begin(), second_copies.end());
    copier_.join(call, sources, key_, id_.name);
}

std::optional<sdk::ObjectInfo> AsideUpload::published(const sdk::Call& call) {
    auto found = objects_.find(call, key_);
    if (!found || found->upload_mark != id_.name) return std::nullopt;
    return std::move(found->info);
}

void AsideUpload::remove_hidden(const sdk::Call& call) {
    for (std::string after;;) {
        const auto page = parse_object_page(client_.send_ok(call, list_objects(hidden_, after, 1000)).body);
        for (const auto& object : page.objects) objects_.remove(call, after = object.key);
        if (!page.more || page.objects.empty()) return;
    }
}

void AsideUpload::abort(const sdk::Call& call) {
    if (!id_.native.empty()) native_.abort(call);
    remove_hidden(call);
}

std::vector<AsideUpload::Listed> AsideUpload::list(const sdk::Call& call, Client& client, const std::string& prefix) {
    std::map<std::string, Listed> by_name;
    UploadPage page;
    do {
        page = parse_upload_page(
            client.send_ok(call, list_uploads(kRoot + prefix, page.next_key_marker, page.next_upload_id_marker)).body);
        for (const auto& upload : page.uploads) {
            auto listed = parse_hidden(upload.key);
            if (!listed) continue;
            listed->id.native = upload.upload_id;
            listed->created_us = upload.created_us;
            by_name[listed->id.name] = std::move(*listed);
        }
    } while (page.more && !page.uploads.empty());

    ObjectPage objects;
    std::string after;
    do {
        objects = parse_object_page(client.send_ok(call, list_objects(kRoot + prefix, after, 1000)).body);
        for (const auto& object : objects.objects) {
            after = object.key;
            auto listed = parse_hidden(object.key);
            if (!listed) continue;
            listed->created_us = object.mtime_us;
            by_name.try_emplace(listed->id.name, std::move(*listed));
        }
    } while (objects.more && !objects.objects.empty());

    std::vector<Listed> all;
    all.reserve(by_name.size());
    for (auto& [name, listed] : by_name) all.push_back(std::move(listed));
    return all;
}

}  // namespace imgsrv::s3
