#pragma once

#include <imgsrv/cpp/patience.hpp>
#include <string>

namespace imgsrv::sqlite {

// The lock that one migrating process holds over several transactions: flock on a file beside the database. The kernel
// lets go of it when its holder dies. The file stays, because removing a lock file lets two holders in.
class MigrationLock {
  public:
    explicit MigrationLock(std::string path) : path_(std::move(path)) {}
    ~MigrationLock() { release(); }
    MigrationLock(const MigrationLock&) = delete;
    MigrationLock& operator=(const MigrationLock&) = delete;

    bool held() const noexcept { return fd_ >= 0; }
    // Waits as long as patience allows; throws when it ends or the file cannot be had. Requires !held().
    void acquire(sdk::Patience& patience);
    void release() noexcept;

  private:
    std::string path_;
    int fd_ = -1;
};

}  // namespace imgsrv::sqlite
