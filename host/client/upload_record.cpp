#include "client/upload_record.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/sha256.h"
#include "core/uuid.h"

namespace imgsrv::client {
namespace {

std::filesystem::path state_folder() {
    const char* state = std::getenv("XDG_STATE_HOME");
    // The XDG base directory specification: a relative path is ignored.
    if (state != nullptr && state[0] == '/') return std::filesystem::path(state) / "imgsrv/uploads";
    const char* home = std::getenv("HOME");
    if (home != nullptr && home[0] == '/') return std::filesystem::path(home) / ".local/state/imgsrv/uploads";
    return {};
}

}  // namespace

UploadRecord::UploadRecord(std::string_view server, std::string_view digest) {
    const std::filesystem::path folder = state_folder();
    std::error_code ignored;
    if (folder.empty()) return;
    std::filesystem::create_directories(folder, ignored);
    path_ = folder / (sha256_hex(std::string(server) + "\n" + std::string(digest)).substr(0, 32) + ".json");
    fd_.reset(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (fd_ && ::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) fd_.reset();
}

std::optional<PendingUpload> UploadRecord::load() const {
    std::array<char, 512> text{};
    const ssize_t n = fd_ ? ::pread(fd_.get(), text.data(), text.size(), 0) : -1;
    if (n <= 0) return std::nullopt;
    const auto record = nlohmann::json::parse(text.data(), text.data() + n, nullptr, false);
    if (!record.is_object()) return std::nullopt;
    const auto id = record.find("upload_id");
    const auto size = record.find("part_size");
    if (id == record.end() || !id->is_string() || size == record.end() || !size->is_number_unsigned())
        return std::nullopt;
    PendingUpload pending{.upload_id = id->get<std::string>(), .part_size = size->get<std::uint64_t>()};
    if (!is_uuid(pending.upload_id) || pending.part_size == 0) return std::nullopt;
    return pending;
}

void UploadRecord::save(const PendingUpload& pending) {
    if (!fd_) return;
    const std::string text =
        nlohmann::json{{"upload_id", pending.upload_id}, {"part_size", pending.part_size}}.dump() + "\n";
    // A write torn by a crash leaves text that load() rejects.
    if (::ftruncate(fd_.get(), 0) == 0) [[maybe_unused]]
        const auto n = ::pwrite(fd_.get(), text.data(), text.size(), 0);
}

void UploadRecord::forget() {
    if (!fd_) return;
    ::unlink(path_.c_str());
    fd_.reset();
}

}  // namespace imgsrv::client
