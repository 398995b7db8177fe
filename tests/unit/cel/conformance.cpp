// Runs the conformance cases of the CEL specification: cel_conformance --cel-cases DIR
//
// DIR holds its files (*.textproto). Prints each case that fails or is left out, and as its last line "N passed, N
// failed".

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "cel/program.h"
#include "conformance_case.h"
#include "textproto.h"

using namespace imgsrv::cel;

namespace {

struct Outcome {
    enum class Kind { passed, failed, left_out } kind;
    std::string reason;
};

Outcome run(const ConformanceCase& c) {
    if (!c.left_out.empty()) return {Outcome::Kind::left_out, c.left_out};
    const auto program = c.checked ? Program::compile(c.expression, c.declarations) : Program::parse(c.expression);
    if (!program.ok()) {
        const bool subset = program.error().kind == Error::Kind::unsupported;
        return {subset ? Outcome::Kind::left_out : Outcome::Kind::failed, program.error().describe()};
    }
    const auto result = program->evaluate(c.bindings);
    if (!c.value) {
        if (!result.ok()) return {Outcome::Kind::passed, {}};
        return {Outcome::Kind::failed, "should fail and gave " + show(*result)};
    }
    if (!result.ok()) return {Outcome::Kind::failed, result.error().describe()};
    if (identical(*result, *c.value)) return {Outcome::Kind::passed, {}};
    return {Outcome::Kind::failed, "should give " + show(*c.value) + " and gave " + show(*result)};
}

std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3 || std::string_view(argv[1]) != "--cel-cases") {
        std::cerr << "usage: cel_conformance --cel-cases DIR\n";
        return 2;
    }
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(argv[2]))
        if (entry.path().extension() == ".textproto") files.push_back(entry.path());
    std::sort(files.begin(), files.end());

    int passed = 0;
    int failed = 0;
    int left_out = 0;
    for (const auto& file : files) {
        const auto parsed = textproto::parse(read_file(file));
        if (const auto* error = std::get_if<std::string>(&parsed)) {
            std::cout << "FAILED   " << file.filename().string() << ": " << *error << "\n";
            ++failed;
            continue;
        }
        for (const auto& c : conformance_cases(file.stem().string(), std::get<textproto::Message>(parsed))) {
            const Outcome outcome = run(c);
            if (outcome.kind == Outcome::Kind::passed) {
                ++passed;
                continue;
            }
            const bool omitted = outcome.kind == Outcome::Kind::left_out;
            ++(omitted ? left_out : failed);
            std::cout << (omitted ? "left out " : "FAILED   ") << c.name << ": " << outcome.reason << "\n";
        }
    }
    std::cout << "CEL conformance: " << passed << " passed of " << passed + failed << " run, " << left_out
              << " left out\n"
              << passed << " passed, " << failed << " failed\n";
    return failed == 0 && passed > 0 ? 0 : 1;
}
