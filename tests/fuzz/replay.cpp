// A fuzzer without its engine: every file of a folder once, so that the ordinary tests run what the fuzzers start from.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
    if (argc != 2) return std::fputs("usage: replay FOLDER\n", stderr), 2;
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string bytes(std::istreambuf_iterator<char>(file), {});
        if (!file) return std::fprintf(stderr, "%s cannot be read\n", entry.path().c_str()), 1;
        std::fprintf(stderr, "%s\n", entry.path().c_str());  // the last line names the input that aborts
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
        ++count;
    }
    if (count == 0) return std::fprintf(stderr, "%s is empty\n", argv[1]), 1;
    std::printf("%zu inputs\n", count);
    return 0;
}
