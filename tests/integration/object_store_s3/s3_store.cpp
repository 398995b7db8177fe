#include "s3_store.h"

#include <chrono>
#include <cstdlib>
#include <map>
#include <stdexcept>

namespace imgsrv::test {

std::string s3_variable(const char* name) {
    const char* value = std::getenv(name);
    if (value == nullptr) throw std::runtime_error(std::string("run this through its server: ") + name + " is not set");
    return value;
}

const imgsrv_component& s3_component() {
    static const conformance::Plugin plugin(PLUGIN_FILE);
    return plugin.component("s3");
}

conformance::Settings s3_settings(Options options) {
    std::map<std::string, std::string> values = {
        {"endpoint", s3_variable("IMGSRV_TEST_S3_ENDPOINT")},
        {"bucket", s3_variable("IMGSRV_TEST_S3_BUCKET")},
        {"region", s3_variable("IMGSRV_TEST_S3_REGION")},
        {"access_key_id", s3_variable("IMGSRV_TEST_S3_ACCESS_KEY")},
        {"secret_access_key", s3_variable("IMGSRV_TEST_S3_SECRET_KEY")},
    };
    for (const auto& [key, value] : options) values[key] = value;
    conformance::Settings settings;
    for (const auto& [key, value] : values)
        if (!value.empty()) settings.add(key, value);
    return settings;
}

std::string refusal(Options options) {
    try {
        const conformance::Instance instance(s3_component(), s3_settings(options));
    } catch (const conformance::LoadError& e) {
        return e.what();
    }
    return "";
}

imgsrv_code health(const conformance::Instance& instance, imgsrv_error& error) {
    conformance::Call call;
    call.limit(std::chrono::seconds(5));
    error = {};
    return instance.component().health(instance.self(), call.get(), &error);
}

Upload::Upload(conformance::Store& store, const std::string& name) : key(store.key(name)), id(store.mp_create(key)) {
    parts = {store.mp_put_part(key, id, 1, {1, kPart}), store.mp_put_part(key, id, 2, {2, 100})};
}

}  // namespace imgsrv::test
