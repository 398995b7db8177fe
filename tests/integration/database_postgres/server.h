#pragma once

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>

#include "conformance/database_link.h"
#include "conformance/loader.h"

// The server that postgres.sh has started for this test.
inline std::string server_variable(const char* name) {
    const char* value = std::getenv(name);
    if (value == nullptr)
        throw std::runtime_error(std::string("run this through postgres.sh: ") + name + " is not set");
    return value;
}
inline std::string server_url() {
    return server_variable("IMGSRV_TEST_POSTGRES_URL");
}

inline void control_server(const char* what) {
    if (std::system((std::string(SERVER_SCRIPT) + " " + what).c_str()) != 0)
        throw std::runtime_error(std::string("cannot ") + what + " the server");
}

inline pid_t postmaster() {
    std::ifstream file(server_variable("IMGSRV_TEST_POSTGRES_DIR") + "/data/postmaster.pid");
    pid_t pid = 0;
    if (!(file >> pid)) throw std::runtime_error("the server is not running");
    return pid;
}

inline const imgsrv_component& postgres_component() {
    static const imgsrv::conformance::Plugin plugin(PLUGIN_FILE);
    return plugin.component("postgres");
}

inline imgsrv::conformance::Settings settings_for(const std::string& url) {
    imgsrv::conformance::Settings settings;
    settings.add("url", url);
    return settings;
}

inline imgsrv_code health(const imgsrv::conformance::Instance& instance, imgsrv_error& error) {
    imgsrv::conformance::Call call;
    call.limit(std::chrono::seconds(10));
    error = {};
    return instance.component().health(instance.self(), call.get(), &error);
}
