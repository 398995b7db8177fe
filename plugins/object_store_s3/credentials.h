#pragma once

#include <sys/types.h>

#include <ctime>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "settings.h"
#include "sigv4.h"

namespace imgsrv::s3 {

// Where the keys come from: the options access_key_id, secret_access_key and session_token; or the file that the option
// credentials_file names; or the variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; or the file
// in AWS_SHARED_CREDENTIALS_FILE. The first that exists counts. A file is read again when it changes, so that keys can
// be rotated, and short-lived ones renewed, while the server runs. [any]
class CredentialSource {
  public:
    // Throws INVALID_ARGUMENT when there are none, or half of them.
    CredentialSource(const sdk::Config& config, sdk::Log log);

    // The current credentials. When the file becomes unreadable, the last ones stay in use.
    std::shared_ptr<const Credentials> current();

  private:
    // What shows that a file, or its permissions, changed.
    struct Version {
        ino_t inode = 0;
        off_t size = -1;
        std::timespec changed{};

        bool operator==(const Version& other) const {
            return inode == other.inode && size == other.size && changed.tv_sec == other.changed.tv_sec &&
                   changed.tv_nsec == other.changed.tv_nsec;
        }
    };
    void read_again();

    sdk::Log log_;
    std::string file_;  // empty: the credentials stay as they are
    std::string profile_;
    std::mutex mutex_;
    Version version_;
    std::shared_ptr<const Credentials> current_;
};

// The section of one profile of a file as AWS's tools write it:
//     [default]
//     aws_access_key_id = …
//     aws_secret_access_key = …
//     aws_session_token = …
// Throws INVALID_ARGUMENT when the profile or one of its keys is not there.
Credentials parse_credentials(std::string_view text, std::string_view profile);

}  // namespace imgsrv::s3
