// An event is one line, whatever it contains.
#include "core/log.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

using namespace imgsrv;

namespace {

// The log goes to a file of its own while this exists.
class LogFile {
  public:
    explicit LogFile(log::Format format) {
        std::string pattern = (std::filesystem::temp_directory_path() / "imgsrv-log-XXXXXX").string();
        const int fd = ::mkstemp(pattern.data());
        REQUIRE(fd >= 0);
        ::close(fd);
        path_ = pattern;
        log::init(format, log::Level::info);
        REQUIRE(log::set_file(path_).ok());
    }
    ~LogFile() {
        (void)log::set_file("");
        log::init(log::Format::text, log::Level::info);
        std::filesystem::remove(path_);
    }
    std::vector<std::string> lines() const {
        std::vector<std::string> all;
        std::ifstream in(path_);
        for (std::string line; std::getline(in, line);) all.push_back(line);
        return all;
    }
    std::uintmax_t size() const { return std::filesystem::file_size(path_); }

  private:
    std::string path_;
};

// Line breaks, a terminal's colours by ESC and by U+009B, DEL, and bytes that are not UTF-8.
constexpr const char* kHostile =
    "a\nb\r\x1B[31m\xC2\x9B"
    "31m\x7F"
    "c\xFF";

bool has_control(const std::string& line) {
    return line.find_first_of("\n\r\x1B\x7F\xFF") != std::string::npos || line.find("\xC2\x9B") != std::string::npos;
}

}  // namespace

TEST_CASE("nothing that a client or a plugin sends breaks a line or reaches the terminal") {
    for (const auto format : {log::Format::text, log::Format::json}) {
        const LogFile file(format);
        log::info(kHostile, {{"value", kHostile}, {"word", "\x1B[2Jword"}, {"name", "M\xC3\xBCnchen"}});
        log::info("the next");
        const auto lines = file.lines();
        REQUIRE(lines.size() == 2);
        CHECK_FALSE(has_control(lines[0]));
        CHECK(lines[0].find("\\u001b[31m\\u009b31m\\u007fc") != std::string::npos);
        CHECK(lines[0].find("M\xC3\xBCnchen") != std::string::npos);
        if (format == log::Format::json) CHECK(nlohmann::json::parse(lines[0])["word"] == "\x1B[2Jword");
    }
}

TEST_CASE("a pipe that nobody reads is refused, not waited for") {
    const LogFile file(log::Format::json);
    const std::string pipe = std::filesystem::temp_directory_path() / ("imgsrv-pipe-" + std::to_string(::getpid()));
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK_FALSE(log::set_file(pipe).ok());
    std::filesystem::remove(pipe);
    log::info("still here");
    CHECK(file.lines().size() == 1);
}

TEST_CASE("a line that did not fit on the disk does not spoil the next") {
    const LogFile file(log::Format::json);
    log::info("before");
    // A limit on the file's size cuts a write short, as a full disk does.
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit old{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
    const rlimit tight{file.size() + 10, old.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &tight) == 0);
    log::info("torn");
    log::info("lost");
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &old) == 0);
    log::info("after");
    log::info("and after");
    const auto lines = file.lines();
    REQUIRE(lines.size() == 4);
    CHECK(nlohmann::json::parse(lines[0])["msg"] == "before");
    CHECK(lines[1].size() == 10);
    CHECK(nlohmann::json::parse(lines[2])["msg"] == "after");
    CHECK(nlohmann::json::parse(lines[3])["msg"] == "and after");
}
