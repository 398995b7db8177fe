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

// Which object store belongs to which database: both bear one id, 128 random bits, the database in a row, the store in
// an object at kIdentityKey that begins with "imgsrv object store <32 hexadecimal digits>" and tells people the rest. A
// disk that is not mounted, a wrong bucket, and a database beside another one's store are known by it before anything
// is written, found missing, or removed.
//
// How a store gets its id, and why any cut heals: first the row, without its mark; then the object, only where none is;
// then the mark, which is the commit point. From the mark on the store must bear the id. A row without a mark is what a
// process that died has left: the next start goes on with the same id, whether the object is there or not. The object
// must not be first: one whose database does not know it looks like another database's. Several nodes that start
// together agree on the row that came first, and put the same bytes.
//
// A store that is about to get its id must look like the database's: one of some blobs is there, or, for a database
// that names none, no object of a blob that it does not know. So a database from before there were ids takes its store
// over when it is upgraded, and an empty one takes none that is in use.
//
// Copies of a pair bear the id of the original: a backup, a store that was copied along with the object. The id does
// not tell how complete a store is; fsck does.
class StoreIdentity {
  public:
    // where: the store as it is configured, for the operator ("s3, bucket images"). The others outlive this.
    StoreIdentity(store::Pool& pool, ports::ObjectStore& objects, std::string where);

    // For a server, at its start and with each look at the store's health, which costs one read of the object: the
    // store bears the database's id, which it is given here when it never had one.
    // failed_precondition: it is not the database's store, or does not look like it; the message names both ids, the
    // detail what is configured and what to do. Anything else: nothing is known, the store or the database is in
    // trouble. [any]
    Status establish(const ports::Call& call);
    // For whatever takes the store's word for what is there or not. Changes nothing. Returns the id. The same errors;
    // failed_precondition also when no server has given the store an id yet. [any]
    Result<std::string> check(const ports::Call& call);
    // On purpose: the store is the database's from now on, whatever was before; the other database that had it no
    // longer has. Returns the id. Unless forced, as establish() for a database that knows no store: failed_precondition
    // when the store bears another id or does not look like the database's.
    Result<std::string> adopt(const ports::Call& call, bool forced);

  private:
    struct Ids {
        std::optional<std::string> known;  // to the database
        bool placed = false;
        std::optional<std::string> borne;  // by the store
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
    std::string id_;  // once it is known to be placed: it never changes again
};

// The id that a store bears; none when it bears none. A text that is none of ours counts as an id of its own, "".
Result<std::optional<std::string>> read_store_id(const ports::Call& call, ports::ObjectStore& objects);

// For what is to become a copy of the store with this id: failed_precondition when it bears another one.
Status require_no_other_id(const ports::Call& call, ports::ObjectStore& objects, std::string_view where,
                           std::string_view id);
// Gives a copy the id of its original. The same error. Durable when it returns.
Status put_store_id(const ports::Call& call, ports::ObjectStore& objects, std::string_view where, std::string_view id);

}  // namespace imgsrv::services
