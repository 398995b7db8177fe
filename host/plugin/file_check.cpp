#include "plugin/file_check.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "core/unique_fd.h"

namespace imgsrv::plugin {
namespace {

#if defined(__x86_64__)
constexpr Elf64_Half kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half kMachine = EM_AARCH64;
#else
#error "say which ELF machine this is"
#endif

Status refuse(Code code, const std::filesystem::path& path, const std::string& why) {
    return {code, path.string() + " " + why};
}

Status check_owner(const std::filesystem::path& path, const struct stat& st, uid_t user) {
    if (st.st_uid != 0 && st.st_uid != user)
        return refuse(Code::permission_denied, path,
                      "belongs to user " + std::to_string(st.st_uid) +
                          "; a plugin and its directory must belong to root or to the user the server runs as");
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return refuse(Code::permission_denied, path,
                      std::string("is writable by ") + ((st.st_mode & S_IWOTH) != 0 ? "everybody" : "its group") +
                          "; a plugin and its directory must be writable by their owner only");
    return {};
}

}  // namespace

Status check_plugin_directory(const std::filesystem::path& directory, uid_t user) {
    struct stat st {};
    if (::stat(directory.c_str(), &st) != 0)
        return refuse(Code::permission_denied, directory,
                      "cannot be examined: " + std::generic_category().message(errno));
    return check_owner(directory, st, user);
}

Status check_plugin_file(const std::filesystem::path& file, uid_t user) {
    const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd) {
        const int error = errno;
        if (error == ENOENT) return refuse(Code::not_found, file, "does not exist");
        return refuse(Code::permission_denied, file, "cannot be opened: " + std::generic_category().message(error));
    }
    struct stat st {};
    if (::fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode))
        return refuse(Code::invalid_argument, file, "is not a regular file");
    IMGSRV_TRY(check_owner(file, st, user));

    IMGSRV_TRY(check_plugin_directory(file.parent_path(), user));

    Elf64_Ehdr elf{};
    const ssize_t n = ::pread(fd.get(), &elf, sizeof elf, 0);
    if (n != static_cast<ssize_t>(sizeof elf) || std::memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 || elf.e_type != ET_DYN)
        return refuse(Code::invalid_argument, file, "is not an ELF shared object");
    if (elf.e_ident[EI_CLASS] != ELFCLASS64 || elf.e_machine != kMachine)
        return refuse(Code::invalid_argument, file, "is built for another kind of machine");
    return {};
}

}  // namespace imgsrv::plugin
