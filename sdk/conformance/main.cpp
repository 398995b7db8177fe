// imgsrv-conformance FILE CONFIG [FILTER]: runs the suite of a plugin's kind against one configured component.
//
// FILE is the plugin, CONFIG holds its options (settings.h says how), with "component = NAME" when the plugin has more
// than one. FILTER limits the run to checks whose rule or name matches. Every line of the report cites a rule of
// sdk/ABI.md. Exit code: 0 all passed, 1 a rule is broken, 2 the suite could not run.
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "conformance/auth.h"
#include "conformance/database.h"
#include "conformance/object_store.h"
#include "conformance/publish_step.h"
#include "conformance/runner.h"

namespace {

using namespace imgsrv::conformance;

Suite suite_of(std::int32_t kind) {
    switch (kind) {
        case IMGSRV_KIND_OBJECT_STORE:
            return object_store_checks();
        case IMGSRV_KIND_DATABASE:
            return database_checks();
        case IMGSRV_KIND_PUBLISH_STEP:
            return publish_step_checks();
        case IMGSRV_KIND_AUTH:
            return auth_checks();
        default:
            throw LoadError("there is no suite for kind " + std::string(kind_name(kind)));
    }
}

// A fresh folder under $TMPDIR, removed with all it holds.
class TemporaryFolder {
  public:
    TemporaryFolder() : path_((std::filesystem::temp_directory_path() / "imgsrv-conformance-XXXXXX").string()) {
        if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

int conformance(const std::string& file, const std::string& config, const std::string& filter) {
    const TemporaryFolder tmp;
    auto settings = Settings::read_file(config, tmp.path());
    const Plugin plugin(file);
    const auto& component = plugin.component(settings.get("component"));
    settings.erase("component");
    std::cout << plugin.table().id << " " << plugin.table().version << ", " << kind_name(component.kind) << " \""
              << component.name << "\"\n";
    const auto suite = suite_of(component.kind);
    Instance instance(component, settings);
    const auto summary = run(suite, instance, filter, std::cout);
    std::cout << summary.passed << " passed, " << summary.failed << " failed, " << summary.not_offered
              << " not offered\n";
    return summary.failed == 0 && summary.passed > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3 || argc > 4) {
        std::cerr << "usage: imgsrv-conformance PLUGIN.so CONFIG [FILTER]\n";
        return 2;
    }
    try {
        return conformance(std::filesystem::absolute(argv[1]).string(), argv[2], argc == 4 ? argv[3] : "");
    } catch (const std::exception& e) {
        std::cerr << "imgsrv-conformance: " << e.what() << '\n';
        return 2;
    }
}
