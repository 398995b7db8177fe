#include "services/housekeeping/backup_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/sha256.h"

namespace imgsrv::services {
namespace {

constexpr const char* kManifest = "manifest.json";
constexpr int kBackupFormat = 1;

Status file_failure(const std::filesystem::path& path, const std::string& what) {
    return {Code::unavailable, "'" + path.string() + "' " + what + ": " + std::strerror(errno)};
}

Result<std::string> sha256_of_file(const std::filesystem::path& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return file_failure(path, "cannot be opened");
    Sha256 hash;
    std::array<std::byte, 65536> buffer{};
    for (;;) {
        const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
        if (n < 0) return file_failure(path, "cannot be read");
        if (n == 0) return hash.hex();
        hash.update({buffer.data(), static_cast<std::size_t>(n)});
    }
}

// Throws nlohmann::json::exception.
Result<BackupManifest> parse_manifest(const nlohmann::json& document, const std::filesystem::path& folder) {
    if (document.at("format").get<int>() != kBackupFormat)
        return Status(Code::failed_precondition,
                      "the backup in '" + folder.string() + "' has a format that this version does not know");
    BackupManifest manifest;
    manifest.created = document.at("created").get<std::string>();
    manifest.program = document.at("program").get<std::string>();
    manifest.database = document.at("database").get<std::string>();
    manifest.database_sha256 = document.at("database_sha256").get<std::string>();
    manifest.migrations = document.at("migrations").get<std::uint64_t>();
    manifest.store_id = document.value("store_id", "");
    manifest.objects = document.at("objects").get<std::uint64_t>();
    manifest.bytes = document.at("bytes").get<std::uint64_t>();
    manifest.faults = document.at("faults").get<std::uint64_t>();
    if (manifest.database.find('/') != std::string::npos)
        return Status(Code::data_loss, "the manifest of the backup names a database outside of it");
    return manifest;
}

}  // namespace

Status make_private(const std::filesystem::path& path) {
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!fd || ::fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0)
        return file_failure(path, "cannot be made for its owner only");
    return {};
}

Status sync_path(const std::filesystem::path& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) return file_failure(path, "cannot be made durable");
    return {};
}

Status BackupFolder::open_to_write() {
    std::error_code ec;
    const bool made = std::filesystem::create_directories(path_, ec);
    // It holds what is in the server's own data, token verifiers included.
    if (made && !ec) std::filesystem::permissions(path_, std::filesystem::perms::owner_all, ec);
    if (ec) return {Code::unavailable, "'" + path_.string() + "' cannot be created: " + ec.message()};
    bool foreign = false;
    for (const auto& entry : std::filesystem::directory_iterator(path_, ec)) {
        const std::string name = entry.path().filename().string();
        foreign = foreign ||
                  !(name == "lock" || name == "objects" || name.starts_with(kManifest) || name.starts_with("imgsrv-"));
    }
    if (ec) return {Code::unavailable, "'" + path_.string() + "' cannot be read: " + ec.message()};
    if (foreign)
        return {Code::failed_precondition, "'" + path_.string() + "' holds something other than a backup of imgsrv"};
    lock_.reset(::open((path_ / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock_) return file_failure(path_, "is not writable");
    if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0)
        return {Code::failed_precondition, "'" + path_.string() + "' is written to by another imgsrv process"};
    return {};
}

Result<BackupManifest> BackupFolder::read() const {
    std::ifstream in(path_ / kManifest, std::ios::binary);
    if (!in)
        return Status(Code::not_found,
                      "there is no complete backup in '" + path_.string() + "': it has no manifest.json");
    const auto document = nlohmann::json::parse(in, nullptr, false);
    BackupManifest manifest;
    try {
        IMGSRV_ASSIGN(manifest, parse_manifest(document, path_));
    } catch (const nlohmann::json::exception& error) {
        return Status(Code::data_loss, "the manifest of the backup in '" + path_.string() + "' is damaged")
            .with_detail(error.what());
    }
    IMGSRV_ASSIGN(const std::string found, sha256_of_file(path_ / manifest.database));
    if (found != manifest.database_sha256)
        return Status(Code::data_loss, "the database '" + manifest.database + "' of the backup is damaged");
    return manifest;
}

Status BackupFolder::commit(BackupManifest manifest) {
    IMGSRV_TRY(sync_path(path_ / manifest.database));
    IMGSRV_ASSIGN(manifest.database_sha256, sha256_of_file(path_ / manifest.database));
    const nlohmann::ordered_json document = {{"format", kBackupFormat},
                                             {"created", manifest.created},
                                             {"program", manifest.program},
                                             {"database", manifest.database},
                                             {"database_sha256", manifest.database_sha256},
                                             {"migrations", manifest.migrations},
                                             {"store_id", manifest.store_id},
                                             {"objects", manifest.objects},
                                             {"bytes", manifest.bytes},
                                             {"faults", manifest.faults}};
    const auto fresh = path_ / (std::string(kManifest) + ".new");
    {
        std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
        out << document.dump(2) << '\n';
        out.close();
        if (!out) return file_failure(fresh, "cannot be written");
    }
    IMGSRV_TRY(sync_path(fresh));
    IMGSRV_TRY(sync_path(path_));
    if (::rename(fresh.c_str(), (path_ / kManifest).c_str()) != 0) return file_failure(fresh, "cannot be renamed");
    IMGSRV_TRY(sync_path(path_));
    std::error_code ec;
    for (const auto& entry : std::filesystem::directory_iterator(path_, ec)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with("imgsrv-") && name != manifest.database) std::filesystem::remove(entry.path(), ec);
    }
    return {};
}

}  // namespace imgsrv::services
