#include <algorithm>
#include <array>
#include <cstdlib>

#include "client.h"

// Every refusal and every silence of the store, in words for the operator who must fix it.
namespace imgsrv::s3 {
namespace {

constexpr std::uint32_t kLongestRetryAfter = 60;  // seconds

std::uint32_t retry_after_ms(const Answer& answer) {
    const auto value = answer.header("retry-after");
    if (value.empty() || value.find_first_not_of("0123456789") != std::string::npos) return 0;
    return static_cast<std::uint32_t>(
        std::min<unsigned long>(std::strtoul(value.c_str(), nullptr, 10), kLongestRetryAfter) * 1000);
}

struct Known {
    std::string_view s3_code;
    imgsrv_code code;
    bool retryable;
    const char* sentence;  // after "the object store <operation> …: "
};

// Error codes of S3 and of the stores that speak it, by what to do about them.
constexpr std::array kKnown = {
    Known{"NoSuchKey", IMGSRV_NOT_FOUND, false, "there is no such object"},
    Known{"NoSuchUpload", IMGSRV_NOT_FOUND, false, "there is no such multipart upload; it is complete, or was aborted"},
    Known{"PreconditionFailed", IMGSRV_FAILED_PRECONDITION, false, "the object has changed"},
    Known{"InvalidRange", IMGSRV_OUT_OF_RANGE, false, "the object ends before"},
    Known{"InvalidPart", IMGSRV_FAILED_PRECONDITION, false, "a part is not stored as it was named"},
    Known{"InvalidPartOrder", IMGSRV_INVALID_ARGUMENT, false, "the parts are not in the order of their numbers"},
    Known{"EntityTooSmall", IMGSRV_FAILED_PRECONDITION, false,
          "a part other than the last is smaller than the 5 MiB that S3 requires"},
    Known{"EntityTooLarge", IMGSRV_INVALID_ARGUMENT, false, "it is larger than the store takes in one request"},
    Known{"KeyTooLongError", IMGSRV_INVALID_ARGUMENT, false, "the key is longer than the store takes"},
    Known{"BadDigest", IMGSRV_UNAVAILABLE, true, "the bytes arrived damaged"},
    Known{"XAmzContentSHA256Mismatch", IMGSRV_UNAVAILABLE, true, "the bytes arrived damaged"},
    Known{"IncompleteBody", IMGSRV_UNAVAILABLE, true, "the bytes did not all arrive"},
    Known{"RequestTimeout", IMGSRV_UNAVAILABLE, true, "the bytes came too slowly for it"},
    Known{"OperationAborted", IMGSRV_UNAVAILABLE, true, "another request changed the same object at the same time"},
    Known{"QuotaExceeded", IMGSRV_RESOURCE_EXHAUSTED, true, "the quota of the bucket or its owner is used up"},
    Known{"XMinioStorageFull", IMGSRV_RESOURCE_EXHAUSTED, true, "the store is full"},
    Known{"InsufficientStorage", IMGSRV_RESOURCE_EXHAUSTED, true, "the store is full"},
    Known{"NotImplemented", IMGSRV_UNIMPLEMENTED, false, "this store cannot do that"},
    // What follows is for the operator. The text is shown by health and at the start.
    Known{"NoSuchBucket", IMGSRV_UNAVAILABLE, true,
          "there is no such bucket; create it, or correct the option 'bucket'"},
    Known{"InvalidBucketName", IMGSRV_UNAVAILABLE, true, "no bucket can have this name; correct the option 'bucket'"},
    Known{"InvalidAccessKeyId", IMGSRV_UNAUTHENTICATED, true,
          "the store does not know the access key; correct the option 'access_key_id' or the credentials file"},
    Known{"SignatureDoesNotMatch", IMGSRV_UNAUTHENTICATED, true,
          "the secret key does not belong to the access key, or a proxy changes requests; correct the option "
          "'secret_access_key' or the credentials file"},
    Known{
        "ExpiredToken", IMGSRV_UNAUTHENTICATED, true,
        "the session token has expired; provide fresh credentials (a credentials file is read again when it changes)"},
    Known{
        "TokenRefreshRequired", IMGSRV_UNAUTHENTICATED, true,
        "the session token has expired; provide fresh credentials (a credentials file is read again when it changes)"},
    Known{"InvalidToken", IMGSRV_UNAUTHENTICATED, true,
          "the session token is not valid; correct the option 'session_token' or the credentials file"},
    Known{"AccessDenied", IMGSRV_PERMISSION_DENIED, true,
          "the credentials are valid but not allowed to do this; the bucket's policy must allow s3:ListBucket, "
          "s3:ListBucketMultipartUploads, s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload and "
          "s3:ListMultipartUploadParts"},
    Known{"AllAccessDisabled", IMGSRV_PERMISSION_DENIED, true, "the bucket's owner has disabled access to it"},
    Known{"AccountProblem", IMGSRV_PERMISSION_DENIED, true, "the account is suspended"},
};

const Known* find_known(std::string_view code) {
    const auto* at = std::find_if(kKnown.begin(), kKnown.end(), [&](const Known& k) { return k.s3_code == code; });
    return at == kKnown.end() ? nullptr : at;
}

// Error codes for answers that have only a status: those without a document, and those of gateways before the store.
std::string_view code_of(const Answer& answer) {
    if (answer.error && !answer.error->code.empty()) return answer.error->code;
    switch (answer.status) {
        case 301:
        case 307:
        case 308:
            return "PermanentRedirect";
        case 403:
            return "AccessDenied";
        case 404:
            return "NoSuchKey";
        case 412:
            return "PreconditionFailed";
        case 413:
            return "EntityTooLarge";
        case 416:
            return "InvalidRange";
        case 501:
            return "NotImplemented";
        case 507:
            return "InsufficientStorage";
        default:
            return "";
    }
}

std::string clock_sentence(const Answer& answer) {
    const auto theirs = parse_http_time_us(answer.header("date"));
    const auto ours =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    if (theirs == 0) return "this machine's clock and the store's differ too much; set both by NTP";
    const auto seconds = (ours - theirs) / 1'000'000;
    return "this machine's clock is " + std::to_string(std::abs(seconds)) + " s " +
           (seconds < 0 ? "behind" : "ahead of") + " the store's; set both by NTP";
}

std::string region_sentence(const Settings& settings, const Answer& answer) {
    std::string where = answer.header("x-amz-bucket-region");
    if (where.empty() && answer.error) where = answer.error->region;
    return "the bucket is in " + (where.empty() ? "another region" : "region '" + where + "'") +
           ", the option 'region' is '" + settings.address.region + "'";
}

}  // namespace

bool is_misconfigured(const sdk::Failure& failure) {
    static constexpr std::array<std::string_view, 7> kNames = {
        "NoSuchBucket",      "InvalidBucketName", "AuthorizationHeaderMalformed",
        "PermanentRedirect", "TemporaryRedirect", "IllegalLocationConstraintException",
        "untrusted"};
    return failure.code == IMGSRV_UNAUTHENTICATED || failure.code == IMGSRV_PERMISSION_DENIED ||
           std::find(kNames.begin(), kNames.end(), failure.native) != kNames.end();
}

sdk::Failure Client::failure(const Request& request, const Answer& answer) const {
    const std::string_view code = code_of(answer);
    const std::string native(code.empty() ? std::to_string(answer.status) : code);
    const std::string begin = std::string(request.operation) + " in " + settings_.address.describe() + ": ";
    const std::string end = " (" + native + ")";
    const auto make = [&](imgsrv_code kind, bool retryable, const std::string& sentence) {
        return sdk::Failure(kind, begin + sentence + end)
            .with_native(native)
            .with_retryable(retryable)
            .with_retry_after_ms(retry_after_ms(answer));
    };

    if (code == "RequestTimeTooSkewed" || code == "RequestExpired")
        return make(IMGSRV_UNAUTHENTICATED, true, clock_sentence(answer));
    if (code == "AuthorizationHeaderMalformed" || code == "PermanentRedirect" || code == "TemporaryRedirect" ||
        code == "IllegalLocationConstraintException")
        return make(IMGSRV_UNAVAILABLE, true, region_sentence(settings_, answer));
    // The answer to a HEAD has nothing but a status.
    if (request.key.empty() && code == "NoSuchKey")
        return make(IMGSRV_UNAVAILABLE, true, find_known("NoSuchBucket")->sentence).with_native("NoSuchBucket");
    if (const Known* known = find_known(code)) return make(known->code, known->retryable, known->sentence);
    if (answer.status >= 500 || answer.status == 429 || answer.status == 408 || answer.status < 300 ||
        code == "SlowDown" || code == "ConditionalRequestConflict")
        return make(IMGSRV_UNAVAILABLE, true, "the store is overloaded or has an internal error");
    std::string words = "the store refuses";
    if (answer.error && !answer.error->message.empty()) words += ": " + answer.error->message.substr(0, 200);
    return make(IMGSRV_INTERNAL, false, words);
}

sdk::Failure Client::failure(const Request& request, const TransportFailure& trouble) const {
    using Reason = TransportFailure::Reason;
    const std::string begin = std::string(request.operation) + " in " + settings_.address.describe() + ": ";
    const auto make = [&](const char* native, const std::string& sentence) {
        return sdk::Failure(IMGSRV_UNAVAILABLE, begin + sentence).with_native(native).with_retryable();
    };
    switch (trouble.reason) {
        case Reason::unreachable:
            return make("unreachable", "cannot connect: " + trouble.text);
        case Reason::unknown_host:
            return make("unknown_host",
                        "the host name cannot be resolved (" + trouble.text + "); correct the option 'endpoint'");
        case Reason::untrusted:
            return make("untrusted",
                        "cannot make a trusted TLS connection: " + trouble.text +
                            "; the option 'ca_file' names the authority that signed the store's certificate");
        case Reason::broken:
            return make("broken", "the connection broke: " + trouble.text).with_outcome_unknown();
        case Reason::silent:
        case Reason::late:
            return make("silent", "the store does not answer: " + trouble.text).with_outcome_unknown();
    }
    return make("broken", trouble.text);
}

}  // namespace imgsrv::s3
