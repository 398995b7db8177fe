#pragma once

#include <string>
#include <vector>

#include "client/catalogue.h"
#include "client/image_format.h"
#include "client/local_file.h"
#include "client/publish.h"
#include "core/status.h"

namespace imgsrv::client {

// The opened files of one publish command, each with its role.
struct PublishInput {
    struct File {
        LocalFile file;
        std::string media_type;
    };
    struct Root {
        std::size_t file;
        ImageFormat format;
    };
    struct Extra {
        std::string name;
        std::size_t file;
        std::string media_type;
    };
    std::vector<File> files;  // each path once
    std::vector<Root> roots;
    std::vector<Extra> extras;  // attached to every root

    // The artifacts to publish; requires that every file is hashed.
    std::vector<Artifact> artifacts(const PublishOptions& options) const;
};

// Opens every file and checks what can be checked without a server: that each file has its format, and that no two
// roots or attachments collide.
Result<PublishInput> open_input(const PublishOptions& options);

// "NAME=FILE[:TYPE]". The colon starts a type only if a type/subtype follows and no file has the whole name.
struct AttachmentOption {
    std::string name;
    std::string path;
    std::string media_type;
};
Result<AttachmentOption> parse_attachment(const std::string& text);

}  // namespace imgsrv::client
