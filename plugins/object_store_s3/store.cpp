#include "store.h"

#include <imgsrv/cpp/object_key.hpp>

#include "requests.h"

namespace imgsrv::s3 {

Store::Store(const sdk::Setup& setup)
    : settings_(read_settings(setup.config)),
      credentials_(setup.config, setup.host.log()),
      client_(settings_, credentials_, setup.host),
      traits_(client_),
      probe_leftovers_(client_),
      objects_(client_, traits_),
      copier_(client_),
      uploads_(client_, objects_, copier_, traits_) {
    look_at_the_bucket(setup.call);
}

void Store::look_at_the_bucket(const sdk::Call& call) {
    try {
        if (traits_.get(call).put_if_absent) caps_ |= IMGSRV_STORE_CAP_PUT_IF_ABSENT;
    } catch (const sdk::Failure& failure) {
        const bool may_come_back = failure.code == IMGSRV_UNAVAILABLE || failure.code == IMGSRV_DEADLINE;
        if (!may_come_back || is_misconfigured(failure)) throw;
        client_.log().warn(call, "the object store is unreachable; waiting for it", {{"error", failure.what()}});
    }
}

void Store::health(const sdk::Call& call) {
    try {
        TextPayload nothing("");
        client_.send_ok(call, put_object(std::string(kOwnPrefix) + "health", nothing));
        static_cast<void>(traits_.get(call));
        probe_leftovers_.remove_when_due(call);
    } catch (const sdk::Failure& failure) {
        if (failure.code != IMGSRV_DEADLINE) throw;
        throw sdk::Failure(IMGSRV_UNAVAILABLE, settings_.address.describe() + " does not answer in time")
            .with_retryable()
            .with_native("silent");
    }
}

sdk::ObjectInfo Store::stat(const sdk::Call& call, std::string_view key) {
    sdk::check_key(key);
    return objects_.stat(call, key);
}

sdk::OpenedObject Store::open(const sdk::Call& call, std::string_view key, std::string_view if_etag,
                              std::uint64_t offset, std::optional<std::uint64_t> length) {
    sdk::check_key(key);
    return objects_.open(call, key, if_etag, offset, length);
}

sdk::ObjectInfo Store::put(const sdk::Call& call, std::string_view key, sdk::Reader& body, bool if_absent) {
    sdk::check_key(key);
    return objects_.put(call, key, body, if_absent);
}

sdk::ObjectInfo Store::copy(const sdk::Call& call, std::string_view src, std::string_view if_src_etag,
                            std::string_view dst, bool if_absent) {
    sdk::check_key(src);
    sdk::check_key(dst);
    auto source = objects_.stat(call, src);
    if (!if_src_etag.empty() && source.etag != if_src_etag) {
        throw sdk::Failure(IMGSRV_FAILED_PRECONDITION,
                           "the source has the etag " + source.etag + ", not " + std::string(if_src_etag))
            .with_native("PreconditionFailed");
    }
    // S3 has no condition on the target of a copy, so check first, then copy.
    if (if_absent && (src == dst || objects_.find(call, dst)))
        throw sdk::Failure(IMGSRV_ALREADY_EXISTS, "there is an object at the key of the copy");
    if (src == dst) return source;
    copier_.copy(call, {std::string(src), source.etag, 0, source.size}, std::string(dst), {});
    return objects_.stat(call, dst);
}

void Store::remove(const sdk::Call& call, std::string_view key) {
    sdk::check_key(key);
    objects_.remove(call, key);
}

bool Store::list(const sdk::Call& call, std::string_view prefix, std::string_view start_after, std::uint32_t max,
                 sdk::ObjectSink& out) {
    return objects_.list(call, prefix, start_after, max, out);
}

std::string Store::mp_create(const sdk::Call& call, std::string_view key, std::uint64_t /*expected_size*/) {
    sdk::check_key(key);
    return uploads_.create(call, key);
}

std::string Store::mp_put_part(const sdk::Call& call, std::string_view key, std::string_view upload_id,
                               std::uint32_t number, sdk::Reader& body) {
    return uploads_.put_part(call, key, upload_id, number, body);
}

sdk::ObjectInfo Store::mp_complete(const sdk::Call& call, std::string_view key, std::string_view upload_id,
                                   std::span<const imgsrv_part> parts) {
    return uploads_.complete(call, key, upload_id, parts);
}

void Store::mp_abort(const sdk::Call& call, std::string_view key, std::string_view upload_id) {
    uploads_.abort(call, key, upload_id);
}

void Store::mp_list(const sdk::Call& call, std::string_view prefix, sdk::UploadSink& out) {
    uploads_.list(call, prefix, out);
}

}  // namespace imgsrv::s3
