#include "telemetry/process_metrics.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

namespace imgsrv::telemetry {
namespace {

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// Field `number` of /proc/self/stat as numbered in proc(5), from 3 on; 0 if there is none.
std::uint64_t stat_field(int number) {
    std::ifstream in("/proc/self/stat");
    std::string line;
    std::getline(in, line);
    const auto after_name = line.rfind(')');
    if (after_name == std::string::npos) return 0;
    std::istringstream fields(line.substr(after_name + 1));
    std::string skipped;
    for (int i = 3; i < number; ++i) fields >> skipped;
    std::uint64_t value = 0;
    fields >> value;
    return value;
}

// When the machine booted, in seconds since 1970; 0 if unknown.
std::uint64_t boot_time() {
    std::ifstream in("/proc/stat");
    for (std::string word; in >> word; in.ignore(std::numeric_limits<std::streamsize>::max(), '\n')) {
        std::uint64_t value = 0;
        if (word == "btime" && in >> value) return value;
    }
    return 0;
}

double start_time() {
    static const double kStart = [] {
        const auto ticks = static_cast<double>(stat_field(22));
        return static_cast<double>(boot_time()) + ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
    }();
    return kStart;
}

void collect_memory(Families& families) {
    std::ifstream in("/proc/self/statm");
    std::uint64_t all = 0;
    std::uint64_t resident = 0;
    if (in >> all >> resident) {
        const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
        gauge("process_virtual_memory_bytes", "Virtual memory size.")
            .add(static_cast<double>(all) * page)
            .move_to(families);
        gauge("process_resident_memory_bytes", "Resident memory size.")
            .add(static_cast<double>(resident) * page)
            .move_to(families);
    }
    const struct mallinfo2 heap = ::mallinfo2();
    gauge("process_heap_in_use_bytes", "Memory allocated from the heap.")
        .add(static_cast<double>(heap.uordblks + heap.hblkhd))
        .move_to(families);
}

void collect_descriptors(Families& families) {
    std::error_code ec;
    double open = -1;  // not counting the descriptor that reads the folder
    for (std::filesystem::directory_iterator it("/proc/self/fd", ec), end; !ec && it != end; it.increment(ec)) ++open;
    if (!ec) gauge("process_open_fds", "Open file descriptors.").add(open).move_to(families);
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
        gauge("process_max_fds", "Maximum number of open file descriptors.")
            .add(static_cast<double>(limit.rlim_cur))
            .move_to(families);
}

}  // namespace

void collect_process(Families& families) {
    rusage usage{};
    if (::getrusage(RUSAGE_SELF, &usage) == 0) {
        counter("process_cpu_user_seconds_total", "CPU time spent in the program.")
            .add(seconds(usage.ru_utime))
            .move_to(families);
        counter("process_cpu_system_seconds_total", "CPU time spent in the kernel.")
            .add(seconds(usage.ru_stime))
            .move_to(families);
        counter("process_cpu_seconds_total", "CPU time spent.")
            .add(seconds(usage.ru_utime) + seconds(usage.ru_stime))
            .move_to(families);
    }
    gauge("process_start_time_seconds", "When the process started, in seconds since 1970.")
        .add(start_time())
        .move_to(families);
    gauge("process_threads", "Threads.").add(static_cast<double>(stat_field(20))).move_to(families);
    collect_memory(families);
    collect_descriptors(families);
}

}  // namespace imgsrv::telemetry
