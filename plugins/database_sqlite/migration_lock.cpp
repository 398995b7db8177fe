#include "migration_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "error.h"

namespace imgsrv::sqlite {

void MigrationLock::acquire(sdk::Patience& patience) {
    constexpr std::int64_t kRetryNs = 20'000'000;
    const int fd = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) throw os_failure(errno, "open the database's migration lock");
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        const int error = errno;
        if (error == EINTR) continue;
        if (error == EWOULDBLOCK) {
            patience.wait_until(sdk::monotonic_ns() + kRetryNs);
            const sdk::Stop reason = patience.stop();
            if (reason == sdk::Stop::none) continue;
            close(fd);
            throw sdk::Patience::failure(reason, "waiting for the migration lock");
        }
        close(fd);
        throw os_failure(error, "take the database's migration lock");
    }
    fd_ = fd;
}

void MigrationLock::release() noexcept {
    if (fd_ < 0) return;
    close(fd_);
    fd_ = -1;
}

}  // namespace imgsrv::sqlite
