#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/status.h"
#include "core/unique_fd.h"

namespace imgsrv::services {

// What a backup says of itself. A backup counts once its manifest is in the folder, which is written last.
struct BackupManifest {
    std::string created;          // RFC 3339
    std::string program;          // its version
    std::string database;         // file in the folder
    std::string database_sha256;  // hex
    std::uint64_t migrations = 0;
    std::string store_id;       // also in objects/; empty in a backup made before stores had ids
    std::uint64_t objects = 0;  // in objects/
    std::uint64_t bytes = 0;
    std::uint64_t faults = 0;  // objects that are missing from it
};

// A folder with one backup: manifest.json, the database's snapshot that it names, and objects/, an object store. A
// later backup into the same folder adds the objects that are new and takes effect with its manifest; until then the
// older one is whole.
class BackupFolder {
  public:
    explicit BackupFolder(std::filesystem::path path) : path_(std::move(path)) {}

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path objects() const { return path_ / "objects"; }

    // Creates it, for its owner only. failed_precondition: another process writes to it, or it holds something other
    // than a backup.
    Status open_to_write();
    // not_found: there is no complete backup. data_loss: the manifest is damaged, or the snapshot is not the
    // manifest's.
    Result<BackupManifest> read() const;
    // The commit point: the folder's backup is the manifest's from here on, also after a power loss. Removes the
    // snapshots of older ones. Fills in the snapshot's digest.
    Status commit(BackupManifest manifest);

  private:
    std::filesystem::path path_;
    UniqueFd lock_;
};

// Makes a file's or folder's content durable. [any]
Status sync_path(const std::filesystem::path& path);
// Makes a file readable and writable for its owner only; creates it empty when it is absent. [any]
Status make_private(const std::filesystem::path& path);

}  // namespace imgsrv::services
