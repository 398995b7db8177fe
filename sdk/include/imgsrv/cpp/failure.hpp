// Errors inside of a plugin are exceptions; at the table they become a code and a filled imgsrv_error.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include "../abi.h"

namespace imgsrv::sdk {

// A borrowed view in either direction; the bytes live as long as their owner says.
inline std::string_view view(imgsrv_str s) noexcept {
    return s.len ? std::string_view(s.ptr, s.len) : std::string_view();
}
inline imgsrv_str str(std::string_view s) noexcept {
    return {s.data(), s.size()};
}

// The one exception a plugin needs. The message is for people and never holds a secret.
//     throw Failure(IMGSRV_UNAVAILABLE, "the store does not answer").with_retryable().with_native("ECONNREFUSED");
struct Failure : std::exception {
    Failure(imgsrv_code reason, std::string text)
        : code(reason == IMGSRV_OK ? IMGSRV_INTERNAL : reason), message(std::move(text)) {}
    // What a host function or a sink reported.
    Failure(imgsrv_code reason, const imgsrv_error& e)
        : Failure(reason, std::string(e.message, ::strnlen(e.message, sizeof e.message))) {
        native.assign(e.native, ::strnlen(e.native, sizeof e.native));
        retryable = (e.flags & IMGSRV_ERR_RETRYABLE) != 0;
        outcome_unknown = (e.flags & IMGSRV_ERR_OUTCOME_UNKNOWN) != 0;
        retry_after_ms = e.retry_after_ms;
        db_class = e.db_class;
    }

    const char* what() const noexcept override { return message.c_str(); }

    // The same call may succeed later.
    Failure&& with_retryable(bool value = true) && { return retryable = value, std::move(*this); }
    // The effect may have happened.
    Failure&& with_outcome_unknown(bool value = true) && { return outcome_unknown = value, std::move(*this); }
    // The backend's own name for the error: "23505", "NoSuchKey", "ENOENT". Cut to 31 bytes.
    Failure&& with_native(std::string_view value) && { return native = value, std::move(*this); }
    Failure&& with_retry_after_ms(std::uint32_t value) && { return retry_after_ms = value, std::move(*this); }
    // IMGSRV_DB_*; database plugins only.
    Failure&& with_db_class(std::int32_t value) && { return db_class = value, std::move(*this); }

    imgsrv_code code;
    std::string message;
    std::string native;
    bool retryable = false;
    bool outcome_unknown = false;
    std::uint32_t retry_after_ms = 0;
    std::int32_t db_class = 0;
};

// The code for an errno value, and whether trying again may help.
inline std::pair<imgsrv_code, bool> classify_errno(int error) noexcept {
    switch (error) {
        case ENOENT:
            return {IMGSRV_NOT_FOUND, false};
        case EEXIST:
        case ENOTEMPTY:
            return {IMGSRV_ALREADY_EXISTS, false};
        case EACCES:
        case EPERM:
        case EROFS:
            return {IMGSRV_PERMISSION_DENIED, false};
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
            return {IMGSRV_RESOURCE_EXHAUSTED, true};
        case EINVAL:
        case ENAMETOOLONG:
            return {IMGSRV_INVALID_ARGUMENT, false};
        case ECANCELED:
            return {IMGSRV_CANCELLED, false};
        case ENOMEM:
        case EMFILE:
        case ENFILE:
        case EAGAIN:
        case EBUSY:
        case EIO:
        case ECONNREFUSED:
        case ECONNRESET:
        case EPIPE:
        case EHOSTUNREACH:
        case ENETUNREACH:
        case ETIMEDOUT:
        case ESTALE:
            return {IMGSRV_UNAVAILABLE, true};
        default:
            return {IMGSRV_INTERNAL, false};
    }
}

// "<what>: No space left on device", with native "ENOSPC".
inline Failure errno_failure(int error, std::string_view what) {
    const auto [code, retryable] = classify_errno(error);
    const char* name = ::strerrorname_np(error);
    return Failure(code, std::string(what) + ": " + std::generic_category().message(error))
        .with_retryable(retryable)
        .with_native(name ? name : std::to_string(error).c_str());
}

namespace detail {

// Copies what fits and ends it with NUL, never inside of a UTF-8 sequence.
template <std::size_t N>
void copy_text(char (&to)[N], std::string_view from) noexcept {
    std::size_t n = from.size() < N ? from.size() : N - 1;
    while (n > 0 && n < from.size() && (static_cast<unsigned char>(from[n]) & 0xC0U) == 0x80U) --n;
    if (n > 0) std::memcpy(to, from.data(), n);
    to[n] = '\0';
}

inline imgsrv_code report(imgsrv_error* err, imgsrv_code code, std::string_view message, std::string_view native = {},
                          bool retryable = false) noexcept {
    if (err) {
        err->flags = retryable ? IMGSRV_ERR_RETRYABLE : 0;
        err->retry_after_ms = 0;
        err->db_class = 0;
        copy_text(err->native, native);
        copy_text(err->message, message);
    }
    return code;
}

// Inside of a catch block: the current exception as a code, with *err filled. err may be null.
inline imgsrv_code report_current_exception(imgsrv_error* err) noexcept {
    try {
        throw;
    } catch (const Failure& f) {
        report(err, f.code, f.message, f.native, f.retryable);
        if (err) {
            if (f.outcome_unknown) err->flags |= IMGSRV_ERR_OUTCOME_UNKNOWN;
            err->retry_after_ms = f.retry_after_ms;
            err->db_class = f.db_class;
        }
        return f.code;
    } catch (const std::bad_alloc&) {
        return report(err, IMGSRV_UNAVAILABLE, "out of memory", "ENOMEM", true);
    } catch (const std::system_error& e) {
        const bool is_errno =
            e.code().category() == std::generic_category() || e.code().category() == std::system_category();
        const auto [code, retryable] = classify_errno(is_errno ? e.code().value() : 0);
        const char* name = is_errno ? ::strerrorname_np(e.code().value()) : nullptr;
        return report(err, code, e.what(), name ? name : "", retryable);
    } catch (const std::exception& e) {
        return report(err, IMGSRV_INTERNAL, e.what());
    } catch (...) {
        return report(err, IMGSRV_INTERNAL, "the plugin threw something that is not a std::exception");
    }
}

}  // namespace detail

// Runs f, which returns nothing or a code, and turns whatever it throws into a code and *err. err may be null.
template <class F>
imgsrv_code guarded(imgsrv_error* err, F&& f) noexcept {
    try {
        if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
            std::forward<F>(f)();
            return IMGSRV_OK;
        } else {
            return std::forward<F>(f)();
        }
    } catch (...) {
        return detail::report_current_exception(err);
    }
}

// As guarded(), for the functions that return a count, or minus a code.
template <class Count, class F>
Count guarded_count(imgsrv_error* err, F&& f) noexcept {
    try {
        return static_cast<Count>(std::forward<F>(f)());
    } catch (...) {
        return -static_cast<Count>(detail::report_current_exception(err));
    }
}

// Throws what a host function reported, unless it is OK.
inline void check(imgsrv_code code, const imgsrv_error& err) {
    if (code != IMGSRV_OK) throw Failure(code, err);
}

}  // namespace imgsrv::sdk
