#pragma once

#include <imgsrv/abi.h>

#include <atomic>
#include <chrono>
#include <iosfwd>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/loader.h"

namespace imgsrv::conformance {

// A rule was broken; what() says how, with the place in the suite.
class Failure : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// The component does not offer what the check is about (an extension, a capability it does not claim).
class NotOffered : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// One check of one rule. It gets a live instance and leaves nothing behind that would disturb the next one.
struct Check {
    const char* rule;  // the number in sdk/ABI.md, "S12"
    const char* name;  // what is promised, as a short sentence
    void (*run)(Instance& instance);
};

// The checks of one kind of component. Each kind has one function that returns them, e.g. object_store_checks().
using Suite = std::vector<Check>;

// The name of a kind as the command line and configuration write it ("object_store"); "unknown" otherwise.
std::string_view kind_name(std::int32_t kind);
std::string_view code_name(imgsrv_code code);

struct Summary {
    int passed = 0;
    int failed = 0;
    int not_offered = 0;
};

// Runs every check whose name or rule holds `filter` and prints a line for each: "pass  S12  …".
Summary run(const Suite& suite, Instance& instance, std::string_view filter, std::ostream& out);

// The call every check makes unless it is about calls: no deadline until limit() is used, never cancelled until
// cancel() is called. May be shared by threads.
class Call {
  public:
    Call();
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    const imgsrv_call* get() const { return &call_; }
    void cancel();
    void limit(std::chrono::nanoseconds from_now);

  private:
    imgsrv_call call_{};
    std::atomic<bool> cancelled_{false};
    int event_fd_ = -1;
};

[[noreturn]] void fail(const char* file, int line, const std::string& what);

// `code` must be `wanted`, and a non-OK code must come with a message.
void expect_code(const char* file, int line, const char* call, imgsrv_code code, imgsrv_code wanted,
                 const imgsrv_error& error);

}  // namespace imgsrv::conformance

#define IMGSRV_EXPECT(...)                                                                              \
    do {                                                                                                \
        if (!(__VA_ARGS__)) ::imgsrv::conformance::fail(__FILE__, __LINE__, "expected: " #__VA_ARGS__); \
    } while (false)

// IMGSRV_EXPECT_CODE(IMGSRV_NOT_FOUND, error, store.stat(self, ..., &error)): `error` is zeroed first.
#define IMGSRV_EXPECT_CODE(wanted, error, ...)                                                          \
    do {                                                                                                \
        (error) = imgsrv_error{};                                                                       \
        const imgsrv_code code_ = (__VA_ARGS__);                                                        \
        ::imgsrv::conformance::expect_code(__FILE__, __LINE__, #__VA_ARGS__, code_, (wanted), (error)); \
    } while (false)
