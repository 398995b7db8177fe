#pragma once

#include <imgsrv/abi.h>
#include <imgsrv/auth.h>

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "ports/authenticator.h"

namespace imgsrv::plugin {

enum class MetricKind { counter, gauge, histogram };

// Where the metrics of plugins go. [any]
class MetricSink {
  public:
    virtual ~MetricSink() = default;

    // counter: value is added; gauge: value replaces; histogram: value is one observation.
    // labels include component="<name>". All borrowed.
    virtual void record(MetricKind kind, std::string_view name, double value,
                        std::span<const std::pair<std::string_view, std::string_view>> labels) noexcept = 0;
};

// What the host lends to components. Everything must outlive them; null: this host has none.
struct HostContext {
    ports::TokenStore* tokens = nullptr;
    MetricSink* metrics = nullptr;
    ports::RuleStore* rules = nullptr;
};

// The imgsrv_host of one instance: its log lines carry the component's and the instance's name. Stays where it is made.
class HostTable {
  public:
    HostTable(const HostContext& context, std::string component, std::string instance);
    HostTable(const HostTable&) = delete;
    HostTable& operator=(const HostTable&) = delete;

    const imgsrv_host* get() const { return &host_; }

  private:
    void log(std::int32_t level, const imgsrv_call* call, imgsrv_str message, const imgsrv_kv* fields,
             std::size_t n) const;
    void metric(std::int32_t kind, const char* name, double value, const imgsrv_kv* labels, std::size_t n) const;
    const void* service(std::string_view id) const;

    HostContext context_;
    std::string component_;
    std::string instance_;
    imgsrv_host host_{};
    imgsrv_token_store tokens_{};
    imgsrv_rule_store rules_{};
};

}  // namespace imgsrv::plugin
