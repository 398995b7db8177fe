// Declaring options, components and the plugin itself. All of it is constant data: nothing runs when the file is
// loaded.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>

#include "host.hpp"

namespace imgsrv::sdk {

// key: snake_case, unique in the component. fallback null: none; then the option is simply absent when it is not set.
constexpr imgsrv_option option(std::int32_t type, const char* key, const char* fallback, const char* help,
                               std::uint32_t flags = 0) {
    return {sizeof(imgsrv_option), type, flags, 0, key, fallback, help};
}
constexpr imgsrv_option text_option(const char* key, const char* fallback, const char* help) {
    return option(IMGSRV_OPT_STRING, key, fallback, help);
}
constexpr imgsrv_option required_text_option(const char* key, const char* help) {
    return option(IMGSRV_OPT_STRING, key, nullptr, help, IMGSRV_OPT_REQUIRED);
}
constexpr imgsrv_option secret_option(const char* key, const char* help, std::uint32_t flags = 0) {
    return option(IMGSRV_OPT_STRING, key, nullptr, help, flags | IMGSRV_OPT_SECRET);
}
constexpr imgsrv_option integer_option(const char* key, const char* fallback, const char* help) {
    return option(IMGSRV_OPT_INT, key, fallback, help);
}
constexpr imgsrv_option boolean_option(const char* key, const char* fallback, const char* help) {
    return option(IMGSRV_OPT_BOOL, key, fallback, help);
}
// Values such as "500ms", "5s", "1m", "24h".
constexpr imgsrv_option duration_option(const char* key, const char* fallback, const char* help) {
    return option(IMGSRV_OPT_DURATION_MS, key, fallback, help);
}
// Values such as "64MiB".
constexpr imgsrv_option size_option(const char* key, const char* fallback, const char* help) {
    return option(IMGSRV_OPT_SIZE, key, fallback, help);
}
constexpr imgsrv_option list_option(const char* key, const char* help) {
    return option(IMGSRV_OPT_STRING_LIST, key, nullptr, help);
}

// Elements and the NULL-terminated array of pointers to them that the ABI wants. Must be a constexpr variable of
// namespace scope or a static member: it points into itself.
template <class T, std::size_t N>
class PointerList {
  public:
    template <std::same_as<T>... E>
    constexpr explicit PointerList(E... elements) : elements_{elements...} {
        for (std::size_t i = 0; i < N; ++i) pointers_[i] = &elements_[i];
    }
    PointerList(const PointerList&) = delete;
    PointerList& operator=(const PointerList&) = delete;

    constexpr const T* const* data() const { return pointers_.data(); }
    // NOLINTNEXTLINE(google-explicit-constructor): so that a list can be passed where the ABI wants the array.
    constexpr operator const T* const*() const { return data(); }

  private:
    std::array<T, N> elements_;
    std::array<const T*, N + 1> pointers_{};
};

template <std::size_t N>
struct OptionList : PointerList<imgsrv_option, N> {
    using PointerList<imgsrv_option, N>::PointerList;
};
template <class... E>
OptionList(E...) -> OptionList<sizeof...(E)>;

template <std::size_t N>
struct ComponentList : PointerList<imgsrv_component, N> {
    using PointerList<imgsrv_component, N>::PointerList;
};
template <class... E>
ComponentList(E...) -> ComponentList<sizeof...(E)>;

inline constexpr const imgsrv_option* kNoOptions[] = {nullptr};

using ExtensionLookup = const void* (*)(const char* id) noexcept;

// A component of any kind whose instances are objects of T. T is constructed from `const Setup&`; its destructor joins
// its own threads. A member function `void health(const Call&)` is optional.
template <class T>
constexpr imgsrv_component component(std::int32_t kind, const char* name, const imgsrv_option* const* options,
                                     const void* table, std::uint32_t flags, ExtensionLookup extension) {
    imgsrv_component c{};
    c.struct_size = sizeof c;
    c.kind = kind;
    c.flags = flags;
    c.name = name;
    c.options = options;
    c.vtable = table;
    c.create = [](const imgsrv_host* host, const char* instance, const imgsrv_config* config, const imgsrv_call* call,
                  void** ret_self, imgsrv_error* err) noexcept -> imgsrv_code {
        // NOLINTNEXTLINE(bugprone-unhandled-exception-at-new): guarded() is the handler.
        return guarded(err, [&] { *ret_self = new T(Setup{Host(host), instance, Config(config), Call(call)}); });
    };
    c.destroy = [](void* self) noexcept { delete static_cast<T*>(self); };
    if constexpr (requires(T & t, const Call& call) { t.health(call); })
        c.health = [](void* self, const imgsrv_call* call, imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] { static_cast<T*>(self)->health(Call(call)); });
        };
    c.extension = extension;
    return c;
}

// The plugin's own table, built with these headers. host_minor_min is 0 because nothing here needs a later host.
template <std::size_t N>
constexpr imgsrv_plugin plugin(const char* id, const char* version, const char* vendor, const char* license,
                               const ComponentList<N>& components) {
    imgsrv_plugin p{};
    p.magic = IMGSRV_PLUGIN_MAGIC;
    p.struct_size = sizeof p;
    p.abi_major = IMGSRV_ABI_MAJOR;
    p.abi_minor = IMGSRV_ABI_MINOR;
    p.id = id;
    p.version = version;
    p.vendor = vendor;
    p.license = license;
    p.components = components.data();
    return p;
}

}  // namespace imgsrv::sdk

// Defines imgsrv_plugin_v1. Once in a shared object, at namespace scope, outside of any namespace.
// id: reverse DNS; version: the plugin's own; license: an SPDX expression; then one or more components.
#define IMGSRV_PLUGIN(id_, version_, vendor_, license_, ...)                              \
    static constexpr ::imgsrv::sdk::ComponentList imgsrv_plugin_components_{__VA_ARGS__}; \
    extern "C" IMGSRV_EXPORT constinit const imgsrv_plugin imgsrv_plugin_v1 =             \
        ::imgsrv::sdk::plugin(id_, version_, vendor_, license_, imgsrv_plugin_components_)
