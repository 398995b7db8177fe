#include "app/backends/layout.h"

namespace imgsrv::app {

Layout find_layout() {
    std::error_code ec;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", ec);
    const auto prefix = self.parent_path().parent_path();
    return {prefix / "lib/imgsrv/plugins", prefix / "share/imgsrv/migrations", prefix / "share/imgsrv/openapi.yaml"};
}

}  // namespace imgsrv::app
