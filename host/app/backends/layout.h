#pragma once

#include <filesystem>

namespace imgsrv::app {

// Where the files that come with the program are, relative to the program itself: <prefix>/bin/imgsrv. A build tree has
// the same layout.
struct Layout {
    std::filesystem::path plugins;     // <prefix>/lib/imgsrv/plugins
    std::filesystem::path migrations;  // <prefix>/share/imgsrv/migrations
    std::filesystem::path openapi;     // <prefix>/share/imgsrv/openapi.yaml
};

Layout find_layout();

}  // namespace imgsrv::app
