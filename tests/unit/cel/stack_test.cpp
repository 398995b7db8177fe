#include <pthread.h>

#include <catch2/catch.hpp>
#include <functional>

#include "cel/program.h"

using namespace imgsrv::cel;

namespace {

// Half of what a thread of the server that calls a plugin has. Sanitizers make frames several times as large.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kStackBytes = 8 * 512 * 1024;
#else
constexpr std::size_t kStackBytes = 512 * 1024;
#endif

void run_on_small_stack(const std::function<void()>& task) {
    pthread_attr_t attributes;
    REQUIRE(pthread_attr_init(&attributes) == 0);
    REQUIRE(pthread_attr_setstacksize(&attributes, kStackBytes) == 0);
    const auto body = [](void* ctx) -> void* {
        (*static_cast<const std::function<void()>*>(ctx))();
        return nullptr;
    };
    pthread_t thread{};
    REQUIRE(pthread_create(&thread, &attributes, body, const_cast<void*>(static_cast<const void*>(&task))) == 0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
}

std::string nested(const std::string& open, const std::string& close, std::size_t levels) {
    std::string text;
    for (std::size_t i = 0; i < levels; ++i) text += open;
    text += "1";
    for (std::size_t i = 0; i < levels; ++i) text += close;
    return text;
}

}  // namespace

TEST_CASE("the deepest expressions fit into a small stack") {
    const Declarations declared = {{"claims", Type::map(Type::Kind::string, Type())}};
    const Bindings bindings = {{"claims", Value::map({})}};
    int compiled = 0;
    for (const auto& [open, close] :
         std::vector<std::pair<std::string, std::string>>{{"(", ")"},
                                                          {"[", "]"},
                                                          {"{1:", "}"},
                                                          {"dyn(", ")"},
                                                          {"dyn([", "])"},
                                                          {"size(", ")"},
                                                          {"[0][", "]"},
                                                          {"true?1:", ""},
                                                          {"true?(", "):1"},
                                                          {"[1].map(x,", ")"},
                                                          {"1+(1*(", "))"},
                                                          {"true||(true&&(1<(1+(1*(", ")))))"}})
        for (const std::size_t levels : {120, 60, 40, 24}) {
            const std::string source = nested(open, close, levels);
            run_on_small_stack([&] {
                const auto checked = Program::compile(source, declared);
                if (checked.ok()) static_cast<void>(checked->evaluate(bindings));
                const auto unchecked = Program::parse(source);
                if (!unchecked.ok()) return;
                static_cast<void>(unchecked->evaluate(bindings));
                ++compiled;
            });
        }
    CHECK(compiled >= 20);
}
