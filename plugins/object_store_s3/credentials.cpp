#include "credentials.h"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "trimmed.h"

namespace imgsrv::s3 {
namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

// Whether there are any; throws when one half is missing.
bool complete(const Credentials& c, const char* id, const char* secret) {
    if (c.access_key_id.empty() == c.secret_access_key.empty()) return !c.access_key_id.empty();
    const bool has_id = !c.access_key_id.empty();
    throw sdk::Failure(IMGSRV_INVALID_ARGUMENT,
                       std::string(has_id ? id : secret) + " is set, " + (has_id ? secret : id) + " is not");
}

}  // namespace

Credentials parse_credentials(std::string_view text, std::string_view profile) {
    Credentials found;
    bool inside = false;
    bool seen = false;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty() || line.front() == '#' || line.front() == ';') continue;
        if (line.front() == '[' && line.back() == ']') {
            inside = trimmed(line.substr(1, line.size() - 2)) == profile;
            seen = seen || inside;
            continue;
        }
        const auto equals = line.find('=');
        if (!inside || equals == std::string_view::npos) continue;
        const auto name = trimmed(line.substr(0, equals));
        const auto value = trimmed(line.substr(equals + 1));
        if (name == "aws_access_key_id") found.access_key_id = value;
        if (name == "aws_secret_access_key") found.secret_access_key = value;
        if (name == "aws_session_token") found.session_token = value;
    }
    const std::string where = "the credentials file's profile [" + std::string(profile) + "]";
    if (!seen) throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, where + " is not there");
    if (found.access_key_id.empty() || found.secret_access_key.empty()) {
        throw sdk::Failure(
            IMGSRV_INVALID_ARGUMENT,
            where + " lacks " + (found.access_key_id.empty() ? "aws_access_key_id" : "aws_secret_access_key"));
    }
    return found;
}

CredentialSource::CredentialSource(const sdk::Config& config, sdk::Log log)
    : log_(log), profile_(config.text("credentials_profile")) {
    const Credentials given{config.find_text("access_key_id").value_or(""),
                            config.find_text("secret_access_key").value_or(""),
                            config.find_text("session_token").value_or("")};
    if (complete(given, "option 'access_key_id'", "option 'secret_access_key'")) {
        current_ = std::make_shared<const Credentials>(given);
        return;
    }
    file_ = config.find_text("credentials_file").value_or("");
    if (file_.empty()) {
        const Credentials inherited{environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"),
                                    environment("AWS_SESSION_TOKEN")};
        if (complete(inherited, "the variable AWS_ACCESS_KEY_ID", "the variable AWS_SECRET_ACCESS_KEY")) {
            current_ = std::make_shared<const Credentials>(inherited);
            return;
        }
        file_ = environment("AWS_SHARED_CREDENTIALS_FILE");
    }
    if (file_.empty()) {
        throw sdk::Failure(IMGSRV_INVALID_ARGUMENT,
                           "there are no credentials: set the options 'access_key_id' and 'secret_access_key', or "
                           "'credentials_file', or the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    }
    read_again();
}

std::shared_ptr<const Credentials> CredentialSource::current() {
    const std::lock_guard lock(mutex_);
    if (!file_.empty()) {
        try {
            read_again();
        } catch (const std::exception& e) {
            log_.warn("the credentials file cannot be read; the previous credentials stay in use",
                      {{"error", e.what()}});
        }
    }
    return current_;
}

void CredentialSource::read_again() {
    struct stat st {};
    if (::stat(file_.c_str(), &st) != 0) {
        // Logged once each time the file disappears.
        if (current_ && version_.size == -1) return;
        version_ = {};
        throw sdk::errno_failure(errno, "cannot read the credentials file");
    }
    const Version version{st.st_ino, st.st_size, st.st_ctim};
    if (version == version_) return;
    version_ = version;  // a file with a mistake is not tried again before it changes
    std::ifstream in(file_);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    if (!in) throw sdk::Failure(IMGSRV_PERMISSION_DENIED, "cannot read the credentials file");
    auto fresh = std::make_shared<const Credentials>(parse_credentials(text, profile_));
    if (current_ && *current_ != *fresh) log_.info("the credentials were read again");
    current_ = std::move(fresh);
}

}  // namespace imgsrv::s3
