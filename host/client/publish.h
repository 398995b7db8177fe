#pragma once

#include <string>
#include <vector>

#include "client/connection.h"

namespace imgsrv::client {

// `imgsrv publish`, as given on the command line; its --help explains each member.
struct PublishOptions {
    ConnectionOptions connection;
    std::string image;
    std::string version;
    std::string operating_system;
    std::string architecture;
    std::string variant = "default";
    std::vector<std::string> disks;        // qcow2 files
    std::vector<std::string> rootfs;       // squashfs or root.tar.xz files, distinguished by content
    std::vector<std::string> unified;      // unified.tar.gz files
    std::vector<std::string> files;        // FORMAT=FILE
    std::string metadata;                  // becomes the attachment incus.tar.xz
    std::vector<std::string> attachments;  // NAME=FILE[:TYPE]
    std::vector<std::string> aliases;
    std::string display_name;
    std::string description;
    unsigned parallel = 4;
    std::string part_size = "64MiB";
    std::string wait = "1h";
    bool draft = false;
    bool replace = false;
    bool json = false;
};

// Uploads the files, publishes the version (with `draft`: only fills the draft), and points the aliases at it. Safe to
// repeat at any time: it skips what is already done, and succeeds if the version is already published with exactly
// these files. Name errors and conflicts are reported before the first byte is uploaded. Returns the exit code
// (reporter.h).
int run_publish(const PublishOptions& options);

}  // namespace imgsrv::client
