#include "world/scratch_database.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "plugin/create.h"
#include "store/migrations.h"

namespace imgsrv::test {
namespace {

void require_ok(const Status& status) {
    if (!status.ok()) throw std::runtime_error(status.describe());
}

}  // namespace

std::filesystem::path make_scratch_folder() {
    const bool in_memory = std::filesystem::is_directory("/dev/shm");
    std::string path = std::string(in_memory ? "/dev/shm" : "/tmp") + "/imgsrv-unit-XXXXXX";
    if (!::mkdtemp(path.data())) throw std::runtime_error("no folder can be made at " + path);
    return path;
}

std::unique_ptr<ports::Database> open_database_file(const std::filesystem::path& file) {
    static plugin::PluginRegistry registry;
    static const Status loaded = registry.load_file(SQLITE_PLUGIN);
    require_ok(loaded);
    auto database = plugin::create_database(registry, "sqlite", "unit",
                                            {{"path", {file.string(), ""}}, {"synchronous", {"NORMAL", ""}}}, {});
    require_ok(database.status());
    return std::move(*database);
}

namespace {

// The bytes of an empty database that every migration has been applied to.
std::string migrated_file() {
    const auto folder = make_scratch_folder();
    const auto file = folder / "imgsrv.db";
    {
        const auto database = open_database_file(file);
        const auto pool = store::Pool::open(*database, {});
        require_ok(pool.status());
        const auto migrations = store::load_migrations(MIGRATIONS, (*pool)->dialect());
        require_ok(migrations.status());
        require_ok(store::migrate(**pool, {}, *migrations).status());
    }
    std::ostringstream bytes;
    bytes << std::ifstream(file, std::ios::binary).rdbuf();
    std::filesystem::remove_all(folder);
    return std::move(bytes).str();
}

}  // namespace

ScratchDatabase::ScratchDatabase() : folder_(make_scratch_folder()) {
    static const std::string bytes = migrated_file();
    const auto file = folder_ / "imgsrv.db";
    std::ofstream(file, std::ios::binary) << bytes;
    driver_ = open_database_file(file);
}

ScratchDatabase::~ScratchDatabase() {
    driver_.reset();
    std::error_code ec;
    std::filesystem::remove_all(folder_, ec);
}

}  // namespace imgsrv::test
