#pragma once

#include <string>
#include <vector>

#include "client/connection.h"

namespace imgsrv::client {

// `imgsrv publish`, as given on the command line; what each member means stands in its --help.
struct PublishOptions {
    ConnectionOptions connection;
    std::string image;
    std::string version;
    std::string operating_system;
    std::string architecture;
    std::string variant = "default";
    std::vector<std::string> disks;        // qcow2 files
    std::vector<std::string> rootfs;       // squashfs or root.tar.xz files, told apart by content
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

// Brings the files to the server and the version to the state published (with `draft`: into the draft), and points the
// aliases at it. Safe to repeat at any time: what is done already is found done, and a version that is published with
// these very files is a success. Every complaint the server could have about names and conflicts comes before the first
// byte is uploaded. Returns the exit code (reporter.h).
int run_publish(const PublishOptions& options);

}  // namespace imgsrv::client
