#include "plugin/host_table.h"

#include <array>
#include <vector>

#include "core/log.h"
#include "plugin/abi_bridge.h"

#ifndef IMGSRV_VERSION
#error "the build names the host's version"
#endif

namespace imgsrv::plugin {
namespace {

constexpr std::size_t kMostLabels = 8;

// Levels between the named ones count as the one below.
log::Level to_level(std::int32_t level) {
    if (level >= IMGSRV_LOG_ERROR) return log::Level::error;
    if (level >= IMGSRV_LOG_WARN) return log::Level::warn;
    if (level >= IMGSRV_LOG_INFO) return log::Level::info;
    return log::Level::debug;
}

imgsrv_code find_token(void* ctx, const imgsrv_call* call, imgsrv_str token_id, imgsrv_token_sink* out,
                       imgsrv_error* err) noexcept {
    return sdk::guarded(err, [&]() -> imgsrv_code {
        const auto found = static_cast<ports::TokenStore*>(ctx)->find_token(AbiCall::unwrap(call), view(token_id));
        if (!found.ok()) return report(found.status(), err);
        const imgsrv_token_record record{sizeof record,
                                         0,
                                         str(found->token_id),
                                         str(found->verifier),
                                         str(found->principal_id),
                                         str(found->display),
                                         to_micros(found->expires)};
        out->set(out->ctx, &record);
        return IMGSRV_OK;
    });
}

void token_used(void* ctx, const imgsrv_call* call, imgsrv_str token_id) noexcept {
    sdk::guarded(nullptr,
                 [&] { static_cast<ports::TokenStore*>(ctx)->token_used(AbiCall::unwrap(call), view(token_id)); });
}

imgsrv_code rules_generation(void* ctx, const imgsrv_call* call, std::int64_t* ret_generation,
                             imgsrv_error* err) noexcept {
    return sdk::guarded(err, [&]() -> imgsrv_code {
        const auto generation = static_cast<ports::RuleStore*>(ctx)->generation(AbiCall::unwrap(call));
        if (!generation.ok()) return report(generation.status(), err);
        *ret_generation = *generation;
        return IMGSRV_OK;
    });
}

imgsrv_code list_rules(void* ctx, const imgsrv_call* call, imgsrv_auth_rule_sink* out, std::int64_t* ret_generation,
                       imgsrv_error* err) noexcept {
    return sdk::guarded(err, [&]() -> imgsrv_code {
        const auto found = static_cast<ports::RuleStore*>(ctx)->rules_in_force(AbiCall::unwrap(call));
        if (!found.ok()) return report(found.status(), err);
        for (const ports::Rule& rule : found->rules) {
            const LentRule lent(rule);
            out->add(out->ctx, lent.get());
        }
        *ret_generation = found->generation;
        return IMGSRV_OK;
    });
}

}  // namespace

HostTable::HostTable(const HostContext& context, std::string component, std::string instance)
    : context_(context), component_(std::move(component)), instance_(std::move(instance)) {
    host_.struct_size = sizeof host_;
    host_.abi_major = IMGSRV_ABI_MAJOR;
    host_.abi_minor = IMGSRV_ABI_MINOR;
    host_.version = IMGSRV_VERSION;
    host_.ctx = this;
    host_.log_enabled = [](void*, std::int32_t level) noexcept -> std::int32_t {
        return log::enabled(to_level(level)) ? 1 : 0;
    };
    host_.log = [](void* ctx, std::int32_t level, const imgsrv_call* call, imgsrv_str message, const imgsrv_kv* fields,
                   std::size_t n) noexcept {
        sdk::guarded(nullptr, [&] { static_cast<const HostTable*>(ctx)->log(level, call, message, fields, n); });
    };
    host_.metric = [](void* ctx, std::int32_t kind, const char* name, double value, const imgsrv_kv* labels,
                      std::size_t n) noexcept {
        static_cast<const HostTable*>(ctx)->metric(kind, name, value, labels, n);
    };
    host_.service = [](void* ctx, const char* id) noexcept { return static_cast<const HostTable*>(ctx)->service(id); };

    tokens_.struct_size = sizeof tokens_;
    tokens_.ctx = context_.tokens;
    tokens_.find = find_token;
    tokens_.used = token_used;

    rules_.struct_size = sizeof rules_;
    rules_.ctx = context_.rules;
    rules_.generation = rules_generation;
    rules_.list = list_rules;
}

void HostTable::log(std::int32_t level, const imgsrv_call* call, imgsrv_str message, const imgsrv_kv* fields,
                    std::size_t n) const {
    std::vector<log::Field> all{{"component", component_}, {"instance", instance_}};
    if (call && call->request_id.len > 0) all.push_back({"request_id", view(call->request_id)});
    for (std::size_t i = 0; i < n; ++i) all.push_back({view(fields[i].key), view(fields[i].value)});
    log::write(to_level(level), view(message), all.data(), all.size());
}

void HostTable::metric(std::int32_t kind, const char* name, double value, const imgsrv_kv* labels,
                       std::size_t n) const {
    if (!context_.metrics || !name || kind < IMGSRV_METRIC_COUNTER || kind > IMGSRV_METRIC_HISTOGRAM) return;
    std::array<std::pair<std::string_view, std::string_view>, kMostLabels + 1> all;
    std::size_t count = 0;
    all[count++] = {"component", component_};
    for (std::size_t i = 0; i < n && count < all.size(); ++i)
        all[count++] = {view(labels[i].key), view(labels[i].value)};
    context_.metrics->record(static_cast<MetricKind>(kind - IMGSRV_METRIC_COUNTER), name, value, {all.data(), count});
}

const void* HostTable::service(std::string_view id) const {
    if (id == IMGSRV_SERVICE_TOKEN_STORE && context_.tokens) return &tokens_;
    if (id == IMGSRV_SERVICE_RULE_STORE && context_.rules) return &rules_;
    return nullptr;
}

}  // namespace imgsrv::plugin
