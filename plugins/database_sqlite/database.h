#pragma once

#include <sys/types.h>

#include <cstdint>
#include <imgsrv/imgsrv.hpp>
#include <memory>
#include <mutex>

#include "connection.h"
#include "session.h"
#include "writer_queue.h"

namespace imgsrv::sqlite {

// One database file. [any]
class Database {
  public:
    static constexpr const char* kDialect = "sqlite";
    static constexpr std::uint64_t kFeatures = 0;
    static constexpr const char* kCompanions[] = {"-wal", "-shm", "-journal", ".migrate", nullptr};
    static constexpr imgsrv_ext_local_data kLocalData =
        sdk::local_file("path", "imgsrv.db", IMGSRV_LOCAL_DATA_SNAPSHOT, kCompanions);

    // Creates the file when it is missing; its folder must be there.
    explicit Database(const sdk::Setup& setup);

    std::unique_ptr<Connection> connect(const sdk::Call& call);
    // UNAVAILABLE also when the path now names another file: writes would go to one that no one can find.
    void health(const sdk::Call& call);

  private:
    // Throws unless the file at the path is the one this object was created with.
    void require_same_file() const;

    Settings settings_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
    WriterQueue writers_;
    std::mutex anchor_mutex_;
    // Open as long as this object lives. SQLite folds the log into the database and removes it when the last handle is
    // closed; a pool that empties now and then must not pay for that. health() uses it.
    std::unique_ptr<Session> anchor_;
};

}  // namespace imgsrv::sqlite
