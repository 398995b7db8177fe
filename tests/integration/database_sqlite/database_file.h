#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "conformance/database_link.h"
#include "conformance/loader.h"

// A test's own folder, removed at the end.
class Folder {
  public:
    Folder() : path_((std::filesystem::temp_directory_path() / "imgsrv-sqlite-XXXXXX").string()) {
        if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::string file(const std::string& name) const { return path_ + "/" + name; }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

inline const imgsrv_component& sqlite_component() {
    static const imgsrv::conformance::Plugin plugin(PLUGIN_FILE);
    return plugin.component("sqlite");
}

inline imgsrv::conformance::Settings settings_for(const std::string& path) {
    imgsrv::conformance::Settings settings;
    settings.add("path", path);
    return settings;
}
