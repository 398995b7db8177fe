#pragma once

#include <imgsrv/cpp/patience.hpp>
#include <string>

namespace imgsrv::sqlite {

// The lock that one migrating process holds over several transactions: flock() on a file next to the database. The
// kernel releases it when its holder dies. The file stays, because removing a lock file lets two holders in.
class MigrationLock {
  public:
    explicit MigrationLock(std::string path) : path_(std::move(path)) {}
    ~MigrationLock() { release(); }
    MigrationLock(const MigrationLock&) = delete;
    MigrationLock& operator=(const MigrationLock&) = delete;

    bool held() const noexcept { return fd_ >= 0; }
    // Waits as long as patience allows; throws when it runs out or the file cannot be locked. Requires !held().
    void acquire(sdk::Patience& patience);
    void release() noexcept;

  private:
    std::string path_;
    int fd_ = -1;
};

}  // namespace imgsrv::sqlite
