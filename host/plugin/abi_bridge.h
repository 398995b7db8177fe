#pragma once

#include <imgsrv/abi.h>
#include <imgsrv/auth.h>
#include <imgsrv/cpp/failure.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status.h"
#include "ports/authenticator.h"
#include "ports/byte_reader.h"
#include "ports/call.h"

// Between the host's types and the C types of the ABI, in both directions.
namespace imgsrv::plugin {

using sdk::str;
using sdk::view;

// A ports::Call as a plugin sees it; lives as long as the call it stands for.
class AbiCall {
  public:
    explicit AbiCall(const ports::Call& call);
    AbiCall(const AbiCall&) = delete;
    AbiCall& operator=(const AbiCall&) = delete;

    const imgsrv_call* get() const { return &raw_; }
    // The host's call for one that a plugin passes back into a host function; null or unknown: a call without limits.
    static const ports::Call& unwrap(const imgsrv_call* raw) noexcept;

  private:
    imgsrv_call raw_{};
};

// The error struct of one call into a plugin, and the status it turns into.
class AbiError {
  public:
    imgsrv_error* get() { return &raw_; }
    // OK for IMGSRV_OK. A code this host does not know is internal. The native code becomes the status's detail.
    Status status(imgsrv_code code) const;

  private:
    imgsrv_error raw_{};
};

// The code behind a negative count; internal when it is none.
inline imgsrv_code code_of(std::int64_t negative) {
    return negative > -1000 ? static_cast<imgsrv_code>(-negative) : IMGSRV_INTERNAL;
}

// For host functions that a plugin calls: fills *err, which may be null, and returns the code. Codes that only the host
// has become the nearest one of the ABI.
imgsrv_code report(const Status& status, imgsrv_error* err) noexcept;

// A ports::Rule as a plugin sees it; borrows from the rule.
class LentRule {
  public:
    explicit LentRule(const ports::Rule& rule);
    LentRule(const LentRule&) = delete;
    LentRule& operator=(const LentRule&) = delete;

    const imgsrv_auth_rule* get() const { return &raw_; }

  private:
    std::vector<imgsrv_str> claims_;
    imgsrv_auth_rule raw_{};
};

// Collects the one string a plugin sends into a sink.
class StringResult {
  public:
    imgsrv_str_sink* sink() { return &sink_; }
    // internal when the plugin sent none. `what` names it.
    Result<std::string> take(std::string_view what) &&;

  private:
    std::optional<std::string> value_;
    imgsrv_str_sink sink_{this, [](void* ctx, imgsrv_str v) noexcept {
                              sdk::guarded(nullptr, [&] { static_cast<StringResult*>(ctx)->value_.emplace(view(v)); });
                          }};
};

// Lends a ByteReader to a plugin for one call; the plugin does not close it. Keeps the first status that is not OK, so
// that the cause of a failed body is not lost on its way through the plugin.
class LentReader {
  public:
    explicit LentReader(ports::ByteReader& reader);
    LentReader(const LentReader&) = delete;
    LentReader& operator=(const LentReader&) = delete;

    imgsrv_reader* get() { return &raw_; }
    const Status& failure() const { return failure_; }

  private:
    std::int64_t read(void* buffer, std::size_t capacity, imgsrv_error* err);
    imgsrv_code rewind(imgsrv_error* err);

    ports::ByteReader& reader_;
    Status failure_;
    imgsrv_reader raw_{};
};

// Hands a ByteReader over: ret->close() deletes it. ret->struct_size stays as the plugin set it.
void give_reader(std::unique_ptr<ports::ByteReader> reader, imgsrv_reader* ret) noexcept;

// Whether a reader that a plugin handed out has every mandatory function.
bool sound(const imgsrv_reader& reader);

}  // namespace imgsrv::plugin
