// What the host gives a component when it is created: checked options, the log, metrics, services.
#pragma once

#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "call.hpp"

namespace imgsrv::sdk {

// The component's options, already checked against their declaration and defaulted. Valid inside of the constructor
// only.
class Config {
  public:
    explicit Config(const imgsrv_config* raw) noexcept : raw_(raw) {}

    // None: the option is neither set nor has it a default.
    std::optional<std::string> find_text(const char* key) const {
        imgsrv_str value{};
        if (!found(raw_->get_str(raw_->ctx, key, &value), key)) return std::nullopt;
        return std::string(view(value));
    }
    std::optional<std::int64_t> find_integer(const char* key) const {
        std::int64_t value = 0;
        if (!found(raw_->get_int(raw_->ctx, key, &value), key)) return std::nullopt;
        return value;
    }
    std::optional<bool> find_boolean(const char* key) const {
        std::int32_t value = 0;
        if (!found(raw_->get_bool(raw_->ctx, key, &value), key)) return std::nullopt;
        return value != 0;
    }

    // For options that are required or have a default; throws INVALID_ARGUMENT otherwise.
    std::string text(const char* key) const { return required(find_text(key), key); }
    std::int64_t integer(const char* key) const { return required(find_integer(key), key); }
    bool boolean(const char* key) const { return required(find_boolean(key), key); }
    std::chrono::milliseconds duration(const char* key) const { return std::chrono::milliseconds(integer(key)); }
    std::uint64_t size(const char* key) const { return static_cast<std::uint64_t>(integer(key)); }

    // Empty when the option is not set.
    std::vector<std::string> list(const char* key) const {
        std::vector<std::string> values;
        imgsrv_str value{};
        while (found(raw_->get_str_at(raw_->ctx, key, values.size(), &value), key)) values.emplace_back(view(value));
        return values;
    }

    // All options as one JSON object, secrets included. Borrowed.
    std::string_view json() const { return view(raw_->as_json(raw_->ctx)); }

  private:
    static bool found(imgsrv_code code, const char* key) {
        if (code == IMGSRV_OK) return true;
        if (code == IMGSRV_NOT_FOUND || code == IMGSRV_OUT_OF_RANGE) return false;
        throw Failure(code, std::string("option '") + key + "' is not declared with this type");
    }
    template <class T>
    static T required(std::optional<T> value, const char* key) {
        if (!value) throw Failure(IMGSRV_INVALID_ARGUMENT, std::string("option '") + key + "' is not set");
        return std::move(*value);
    }

    const imgsrv_config* raw_;
};

// A named fact of a log line or a label of a metric; never a secret.
struct Field {
    std::string_view key, value;
};

// The host's log. Cheap to copy; usable until the component's destructor returns. [any]
class Log {
  public:
    explicit Log(const imgsrv_host* host) noexcept : host_(host) {}

    bool enabled(std::int32_t level) const noexcept { return host_->log_enabled(host_->ctx, level) != 0; }

    // call: the operation the line is about; the host adds its request id. Null: none.
    void write(std::int32_t level, const Call* call, std::string_view message,
               std::initializer_list<Field> fields = {}) const noexcept {
        if (!enabled(level)) return;
        imgsrv_kv kv[kMaxFields];
        std::size_t n = 0;
        for (const Field& f : fields) {
            if (n == kMaxFields) break;
            kv[n++] = {str(f.key), str(f.value)};
        }
        host_->log(host_->ctx, level, call ? call->raw() : nullptr, str(message), kv, n);
    }

    void debug(std::string_view m, std::initializer_list<Field> f = {}) const noexcept {
        write(IMGSRV_LOG_DEBUG, nullptr, m, f);
    }
    void info(std::string_view m, std::initializer_list<Field> f = {}) const noexcept {
        write(IMGSRV_LOG_INFO, nullptr, m, f);
    }
    void warn(std::string_view m, std::initializer_list<Field> f = {}) const noexcept {
        write(IMGSRV_LOG_WARN, nullptr, m, f);
    }
    void error(std::string_view m, std::initializer_list<Field> f = {}) const noexcept {
        write(IMGSRV_LOG_ERROR, nullptr, m, f);
    }
    void debug(const Call& c, std::string_view m, std::initializer_list<Field> f = {}) const noexcept {
        write(IMGSRV_LOG_DEBUG, &c, m, f);
    }
    void info(const Call& c, std::string_view m, std::initializer_list<Field> f = {}) const noexcept {
        write(IMGSRV_LOG_INFO, &c, m, f);
    }
    void warn(const Call& c, std::string_view m, std::initializer_list<Field> f = {}) const noexcept {
        write(IMGSRV_LOG_WARN, &c, m, f);
    }
    void error(const Call& c, std::string_view m, std::initializer_list<Field> f = {}) const noexcept {
        write(IMGSRV_LOG_ERROR, &c, m, f);
    }

  private:
    static constexpr std::size_t kMaxFields = 16;  // more are dropped
    const imgsrv_host* host_;
};

// The host. Cheap to copy; usable until the component's destructor returns. [any]
class Host {
  public:
    explicit Host(const imgsrv_host* raw) noexcept : raw_(raw) {}

    Log log() const noexcept { return Log(raw_); }
    std::string_view version() const noexcept { return raw_->version; }
    // A table of the host, such as service<imgsrv_token_store>(IMGSRV_SERVICE_TOKEN_STORE). Null: this host has none.
    template <class Table>
    const Table* service(const char* id) const noexcept {
        return static_cast<const Table*>(raw_->service(raw_->ctx, id));
    }
    const imgsrv_host* raw() const noexcept { return raw_; }

  private:
    const imgsrv_host* raw_;
};

// What a component's constructor gets. `host` may be kept; the rest is valid until the constructor returns.
struct Setup {
    Host host;
    std::string_view instance;  // the name this instance has in the configuration, for messages
    Config config;
    Call call;
};

}  // namespace imgsrv::sdk
