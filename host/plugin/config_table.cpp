#include <imgsrv/abi.h>

#include <algorithm>

#include "plugin/options.h"

// imgsrv_config over CheckedOptions.
namespace imgsrv::plugin {
namespace {

const CheckedOptions& from(void* ctx) {
    return *static_cast<const CheckedOptions*>(ctx);
}
imgsrv_str borrow(const std::string& text) {
    return {text.data(), text.size()};
}

// Calls use(value) when the option is set and of type T; NOT_FOUND when it is not set, INVALID_ARGUMENT when it is not
// declared or of another type.
template <class T, class Use>
imgsrv_code with(void* ctx, const char* key, Use use) noexcept {
    const auto found = from(ctx).values().find(std::string_view(key));
    if (found == from(ctx).values().end()) return from(ctx).declares(key) ? IMGSRV_NOT_FOUND : IMGSRV_INVALID_ARGUMENT;
    const T* value = std::get_if<T>(&found->second);
    return value ? use(*value) : IMGSRV_INVALID_ARGUMENT;
}

imgsrv_code get_str(void* ctx, const char* key, imgsrv_str* ret) noexcept {
    return with<std::string>(ctx, key, [&](const std::string& value) { return *ret = borrow(value), IMGSRV_OK; });
}

imgsrv_code get_int(void* ctx, const char* key, std::int64_t* ret) noexcept {
    return with<std::int64_t>(ctx, key, [&](std::int64_t value) { return *ret = value, IMGSRV_OK; });
}

imgsrv_code get_bool(void* ctx, const char* key, std::int32_t* ret) noexcept {
    return with<bool>(ctx, key, [&](bool value) { return *ret = value ? 1 : 0, IMGSRV_OK; });
}

imgsrv_code get_str_at(void* ctx, const char* key, std::size_t i, imgsrv_str* ret) noexcept {
    return with<std::vector<std::string>>(ctx, key, [&](const std::vector<std::string>& values) -> imgsrv_code {
        if (i >= values.size()) return IMGSRV_OUT_OF_RANGE;
        *ret = borrow(values[i]);
        return IMGSRV_OK;
    });
}

imgsrv_str as_json(void* ctx) noexcept {
    return borrow(from(ctx).json());
}

}  // namespace

bool CheckedOptions::declares(std::string_view key) const {
    return std::ranges::find(declared_, key) != declared_.end();
}

imgsrv_config CheckedOptions::table() const {
    imgsrv_config config{};
    config.struct_size = sizeof config;
    config.ctx = const_cast<CheckedOptions*>(this);
    config.get_str = get_str;
    config.get_int = get_int;
    config.get_bool = get_bool;
    config.get_str_at = get_str_at;
    config.as_json = as_json;
    return config;
}

}  // namespace imgsrv::plugin
