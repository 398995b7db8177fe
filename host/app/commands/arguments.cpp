#include "app/commands/arguments.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "core/redaction.h"

namespace imgsrv::app {
namespace {

// "--set=KEY=VALUE" without "--set=", as in the form "--set KEY=VALUE"; other arguments unchanged.
std::string_view without_set(std::string_view argument) {
    static constexpr std::string_view kSet = "--set=";
    if (argument.starts_with(kSet)) argument.remove_prefix(kSet.size());
    return argument;
}

// The name in "storage.s3.secret_access_key=…", "--s3-secret-access-key=…" or "--s3-secret-access-key", without leading
// dashes; empty if there is none.
std::string_view option_name(std::string_view argument) {
    argument = argument.substr(0, argument.find('='));
    while (argument.starts_with('-')) argument.remove_prefix(1);
    return argument;
}

bool names_secret(std::string_view name) {
    static constexpr std::array<std::string_view, 4> kEnds = {"secret", "password", "token", "key"};
    static constexpr std::string_view kFile = "tls-key";  // takes a file's name
    return name != kFile &&
           std::any_of(kEnds.begin(), kEnds.end(), [&](std::string_view end) { return name.ends_with(end); });
}

void hide(char* text) {
    std::memset(text, '*', std::strlen(text));
}

}  // namespace

std::vector<std::string> take_arguments(int argc, char** argv) {
    std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
    for (int i = 1; i < argc; ++i) {
        const std::string& whole = arguments[static_cast<std::size_t>(i) - 1];
        const std::string_view text = without_set(whole);
        char* const shown = argv[i] + (whole.size() - text.size());
        const auto equals = text.find('=');
        const bool option = text.starts_with("-");
        std::string redacted(text);
        redact(redacted);
        if (equals != std::string::npos && names_secret(option_name(text)))
            hide(shown + equals + 1);
        else if (option && equals == std::string::npos && names_secret(option_name(text)) && i + 1 < argc &&
                 *argv[i + 1] != '-')
            hide(argv[i + 1]);
        else if (redacted != text)
            hide(shown + (equals == std::string::npos ? 0 : equals + 1));
    }
    return arguments;
}

}  // namespace imgsrv::app
