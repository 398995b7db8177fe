#include "conformance/loader.h"

#include <dlfcn.h>

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>

#include "conformance/rule_book.h"
#include "conformance/token_book.h"

namespace imgsrv::conformance {
namespace {

const imgsrv_option* declared(const imgsrv_component& component, const char* key) {
    for (const auto* const* option = component.options; option != nullptr && *option != nullptr; ++option) {
        if (std::strcmp((*option)->key, key) == 0) return *option;
    }
    return nullptr;
}

// "64MiB", "5s", "500ms", "12": the units of the configuration file.
std::optional<std::int64_t> number_with_unit(const std::string& text) {
    static constexpr struct {
        const char* suffix;
        std::int64_t factor;
    } kUnits[] = {{"", 1},   {"B", 1},    {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1LL << 40},
                  {"ms", 1}, {"s", 1000}, {"m", 60'000},    {"h", 3'600'000}, {"d", 86'400'000}};
    char* end = nullptr;
    const auto value = std::strtoll(text.c_str(), &end, 10);
    if (end == text.c_str()) return std::nullopt;
    for (const auto& unit : kUnits) {
        if (std::strcmp(end, unit.suffix) == 0) return value * unit.factor;
    }
    return std::nullopt;
}

std::string json_string(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (static_cast<unsigned char>(c) >= 0x20) out += c;
    }
    return out + '"';
}

// The host's side of imgsrv_config over one component's settings. Lives for the length of create().
class Config {
  public:
    Config(const imgsrv_component& component, const Settings& settings) : component_(component), settings_(settings) {
        table_.struct_size = sizeof table_;
        table_.ctx = this;
        table_.get_str = [](void* ctx, const char* key, imgsrv_str* ret) noexcept {
            return static_cast<Config*>(ctx)->text(key, 0, ret);
        };
        table_.get_int = [](void* ctx, const char* key, std::int64_t* ret) noexcept {
            const auto text = static_cast<Config*>(ctx)->value(key, 0);
            if (!text) return imgsrv_code{IMGSRV_NOT_FOUND};
            const auto number = number_with_unit(*text);
            if (!number) return imgsrv_code{IMGSRV_INVALID_ARGUMENT};
            *ret = *number;
            return imgsrv_code{IMGSRV_OK};
        };
        table_.get_bool = [](void* ctx, const char* key, std::int32_t* ret) noexcept {
            const auto text = static_cast<Config*>(ctx)->value(key, 0);
            if (!text) return imgsrv_code{IMGSRV_NOT_FOUND};
            if (*text != "true" && *text != "false") return imgsrv_code{IMGSRV_INVALID_ARGUMENT};
            *ret = *text == "true" ? 1 : 0;
            return imgsrv_code{IMGSRV_OK};
        };
        table_.get_str_at = [](void* ctx, const char* key, size_t i, imgsrv_str* ret) noexcept {
            return static_cast<Config*>(ctx)->text(key, i, ret);
        };
        table_.as_json = [](void* ctx) noexcept { return static_cast<Config*>(ctx)->json(); };
    }

    const imgsrv_config* table() const { return &table_; }

  private:
    const std::string* value(const char* key, size_t i) {
        const auto* values = settings_.find(key);
        if (values != nullptr) return i < values->size() ? &(*values)[i] : nullptr;
        const auto* option = declared(component_, key);
        if (option == nullptr || option->default_text == nullptr || i > 0) return nullptr;
        return &(defaults_[key] = option->default_text);
    }
    imgsrv_code text(const char* key, size_t i, imgsrv_str* ret) {
        const auto* found = value(key, i);
        if (found == nullptr) return IMGSRV_NOT_FOUND;
        *ret = {found->data(), found->size()};
        return IMGSRV_OK;
    }
    imgsrv_str json() {
        json_ = "{";
        for (const auto& [key, values] : settings_.all()) {
            if (json_.size() > 1) json_ += ',';
            json_ += json_string(key) + ":" + json_string(values.front());
        }
        json_ += '}';
        return {json_.data(), json_.size()};
    }

    const imgsrv_component& component_;
    const Settings& settings_;
    std::map<std::string, std::string> defaults_;
    std::string json_;
    imgsrv_config table_{};
};

// What components logged, newest last; the oldest goes when it grows long.
class LogRecord {
  public:
    void add(const std::string& line) {
        std::lock_guard lock(mutex_);
        text_ += line + '\n';
        constexpr std::size_t kKeep = 1 << 20;
        if (text_.size() > 2 * kKeep) text_.erase(0, text_.size() - kKeep);
    }
    std::string text() const {
        std::lock_guard lock(mutex_);
        return text_;
    }

  private:
    mutable std::mutex mutex_;
    std::string text_;
};

LogRecord& log_record() {
    static LogRecord record;
    return record;
}

void log_line(std::int32_t level, imgsrv_str msg, const imgsrv_kv* fields, size_t n) {
    static const bool kVerbose = std::getenv("IMGSRV_CONFORMANCE_LOG") != nullptr;
    std::string line = "[" + std::to_string(level) + "] " + std::string(msg.ptr, msg.len);
    for (size_t i = 0; i < n; ++i) {
        line += " " + std::string(fields[i].key.ptr, fields[i].key.len) + "=" +
                std::string(fields[i].value.ptr, fields[i].value.len);
    }
    if (kVerbose) std::fprintf(stderr, "%s\n", line.c_str());
    log_record().add(line);
}

const imgsrv_host& host() {
    static const imgsrv_host kTable = {
        sizeof(imgsrv_host),
        IMGSRV_ABI_MAJOR,
        IMGSRV_ABI_MINOR,
        "conformance",
        nullptr,
        [](void*, std::int32_t) noexcept { return std::int32_t{1}; },
        [](void*, std::int32_t level, const imgsrv_call*, imgsrv_str msg, const imgsrv_kv* fields, size_t n) noexcept {
            log_line(level, msg, fields, n);
        },
        [](void*, std::int32_t, const char*, double, const imgsrv_kv*, size_t) noexcept {},
        [](void*, const char* id) noexcept -> const void* {
            if (std::strcmp(id, IMGSRV_SERVICE_TOKEN_STORE) == 0) return token_book().table();
            if (std::strcmp(id, IMGSRV_SERVICE_RULE_STORE) == 0) return rule_book().table();
            return nullptr;
        },
    };
    return kTable;
}

}  // namespace

std::string logged_text() {
    return log_record().text();
}

CreateFailed::CreateFailed(imgsrv_code code, const imgsrv_error& error)
    : LoadError("create() failed with code " + std::to_string(code) + ": " + error.message), code_(code) {}

Plugin::Plugin(const std::string& file) {
    void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw LoadError(std::string("cannot load the plugin: ") + ::dlerror());
    const auto* table = static_cast<const imgsrv_plugin*>(::dlsym(library, "imgsrv_plugin_v1"));
    if (table == nullptr) throw LoadError(file + " is not an imgsrv plugin: it exports no imgsrv_plugin_v1");
    if (table->magic != IMGSRV_PLUGIN_MAGIC) throw LoadError(file + " is not an imgsrv plugin: wrong magic number");
    if (table->abi_major != IMGSRV_ABI_MAJOR || table->host_minor_min > IMGSRV_ABI_MINOR) {
        throw LoadError(file + " asks for ABI " + std::to_string(table->abi_major) + "." +
                        std::to_string(table->host_minor_min) + ", this program has " +
                        std::to_string(IMGSRV_ABI_MAJOR) + "." + std::to_string(IMGSRV_ABI_MINOR));
    }
    table_ = table;
}

const imgsrv_component& Plugin::component(std::string_view name) const {
    for (const auto* const* at = table_->components; at != nullptr && *at != nullptr; ++at) {
        if (name.empty() || name == (*at)->name) return **at;
    }
    throw LoadError(std::string(table_->id) + " has no component \"" + std::string(name) + "\"");
}

Instance::Instance(const imgsrv_component& component, Settings settings)
    : component_(component), settings_(std::move(settings)) {
    for (const auto& [key, values] : settings_.all()) {
        if (declared(component_, key.c_str()) == nullptr) throw LoadError("unknown option \"" + key + "\"");
    }
    for (const auto* const* at = component_.options; at != nullptr && *at != nullptr; ++at) {
        if (((*at)->flags & IMGSRV_OPT_REQUIRED) != 0 && settings_.find((*at)->key) == nullptr) {
            throw LoadError(std::string("option \"") + (*at)->key + "\" is required");
        }
    }
    create();
}

Instance::~Instance() {
    destroy();
}

void Instance::restart() {
    destroy();
    create();
}

void Instance::create() {
    Config config(component_, settings_);
    imgsrv_call call{};
    call.struct_size = sizeof call;
    imgsrv_error error{};
    const auto code = component_.create(&host(), "conformance", config.table(), &call, &self_, &error);
    if (code != IMGSRV_OK) {
        self_ = nullptr;
        throw CreateFailed(code, error);
    }
}

void Instance::destroy() {
    if (self_ != nullptr) component_.destroy(self_);
    self_ = nullptr;
}

}  // namespace imgsrv::conformance
