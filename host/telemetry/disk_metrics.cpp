#include "telemetry/disk_metrics.h"

#include <sys/statvfs.h>

namespace imgsrv::telemetry {

void collect_disk(Families& families, const std::filesystem::path& data_dir) {
    struct statvfs disk {};
    if (::statvfs(data_dir.c_str(), &disk) != 0) return;
    const auto bytes = [&](fsblkcnt_t blocks) {
        return static_cast<double>(blocks) * static_cast<double>(disk.f_frsize);
    };
    gauge("imgsrv_disk_size_bytes", "Size of the file system that holds data-dir.")
        .add(bytes(disk.f_blocks))
        .move_to(families);
    gauge("imgsrv_disk_free_bytes", "Space on it that this process may use.")
        .add(bytes(disk.f_bavail))
        .move_to(families);
}

}  // namespace imgsrv::telemetry
