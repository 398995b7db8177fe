#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/status.h"
#include "core/unique_fd.h"
#include "plugin/registry.h"
#include "ports/object_store.h"

namespace imgsrv::app {

// What a backup says of itself. It counts once its manifest is in the folder, which is the last thing to be written.
struct BackupManifest {
    std::string created;          // RFC 3339
    std::string program;          // its version
    std::string database;         // file in the folder
    std::string database_sha256;  // hex
    std::uint64_t migrations = 0;
    std::string store_id;       // which objects/ bears too; empty in backups of before there were ids
    std::uint64_t objects = 0;  // in objects/
    std::uint64_t bytes = 0;
    std::uint64_t faults = 0;  // objects that could not be had
};

enum class FolderUse { read, write };

// A folder with one backup: manifest.json, the database's snapshot that it names, and objects/, a store of files. A
// later backup into the same folder adds the objects that came since and takes its place with the new manifest; until
// then the older one is whole.
class BackupFolder {
  public:
    explicit BackupFolder(std::filesystem::path path) : path_(std::move(path)) {}

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path objects() const { return path_ / "objects"; }

    // The store objects/, whose folder is made where it is not there.
    Result<std::unique_ptr<ports::ObjectStore>> open_objects(const plugin::PluginRegistry& registry,
                                                             FolderUse use) const;
    // Creates it. failed_precondition: another process writes to it, or it holds something else than a backup.
    Status open_to_write();
    // not_found: there is no whole backup. data_loss: the snapshot is not the one of the manifest.
    Result<BackupManifest> read() const;
    // The commit point: with it the backup is the one in this folder, also after a power loss. Snapshots of older ones
    // are removed.
    Status commit(BackupManifest manifest);

  private:
    std::filesystem::path path_;
    UniqueFd lock_;
};

// What a file or folder holds, and its place, survive a power loss. [any]
Status sync_path(const std::filesystem::path& path);
// A file that its owner only may read and write; made empty when it is not there. [any]
Status make_private(const std::filesystem::path& path);
// Hex.
Result<std::string> sha256_of_file(const std::filesystem::path& path);

}  // namespace imgsrv::app
