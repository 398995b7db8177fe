#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/catalogue.h"
#include "ports/object_store.h"
#include "store/pool.h"

namespace imgsrv::services {

// Ties an object store to its database: both hold one id of 128 random bits, the database in a row, the store in an
// object at kIdentityKey, which begins with "imgsrv object store <32 hexadecimal digits>" and explains itself to
// people. It reveals an unmounted disk, a wrong bucket and another database's store before anything is written,
// reported missing or removed.
//
// The id is written in three steps, and a crash between any two heals at the next start: the row, unmarked; the object,
// if there is none; the row's mark, which is the commit point. Once the row is marked, the store must have the id.
// Write the row first; an object without a row looks foreign. Nodes that start together agree on the first row and put
// the same bytes.
//
// Before it gets an id, the store must look like the database's: it has one of a sample of the database's blobs or, if
// the database has no blob, no unknown object under blobs/. So an upgraded database from before there were ids takes
// over its store, and an empty database never takes a store in use.
//
// A backup, or a store copied with this object, keeps the id of the original. The id does not tell whether a store is
// complete; fsck does.
class StoreIdentity {
  public:
    // where: the store as it is configured, for the operator ("s3, bucket images"). The others outlive this.
    StoreIdentity(store::Pool& pool, ports::ObjectStore& objects, std::string where);

    // For a server, at its start and in each health check, which reads the object once. Gives the store the database's
    // id if neither has one yet. failed_precondition: the store is not the database's, or does not look like it; the
    // message names both ids, the detail what is configured and what to do. Any other error: the store or the database
    // failed, and nothing is known. [any]
    Status establish(const ports::Call& call);
    // Call it before trusting the store about what is there. Changes nothing; returns the id. The errors of
    // establish(); failed_precondition also if no server has given the store an id yet. [any]
    Result<std::string> check(const ports::Call& call);
    // Takes the store over for this database and returns the id; a database that had the store before loses it. Unless
    // forced: failed_precondition if the store has another id or does not look like the database's.
    Result<std::string> adopt(const ports::Call& call, bool forced);

  private:
    struct Ids {
        std::optional<std::string> known;  // to the database; none: it has no row
        bool placed = false;
        std::optional<std::string> stored;  // in the store; none: it has no object
    };
    Status read_row(const ports::Call& call, Ids& ids);
    Result<Ids> look(const ports::Call& call);
    Status require_likeness(const ports::Call& call);
    Status require_shared_blob(const ports::Call& call, const std::vector<domain::Blob>& blobs);
    Status require_no_strange_object(const ports::Call& call);
    Result<std::string> make_row(const ports::Call& call);
    Status place(const ports::Call& call, const std::string& id, ports::Overwrite mode);

    store::Pool& pool_;
    ports::ObjectStore& objects_;
    const std::string where_;
    std::mutex mutex_;
    std::string id_;  // set once the row is marked; never changes again
};

// The id in a store; none: there is no such object. An object that is not ours counts as the id "".
Result<std::optional<std::string>> read_store_id(const ports::Call& call, ports::ObjectStore& objects);

// For the target of a copy. failed_precondition: it has an id other than this one, the source's.
Status require_no_other_id(const ports::Call& call, ports::ObjectStore& objects, std::string_view where,
                           std::string_view id);
// Gives a copy the id of its original. The same error. Durable when it returns.
Status put_store_id(const ports::Call& call, ports::ObjectStore& objects, std::string_view where, std::string_view id);

}  // namespace imgsrv::services
