#include <imgsrv/imgsrv.hpp>

#include "connection.h"
#include "database.h"
#include "rows.h"

namespace sdk = imgsrv::sdk;

namespace {

constexpr sdk::OptionList kOptions{
    sdk::required_text_option("path",
                              "The database file, on a local disk; created when missing, but its folder is not"),
    sdk::duration_option("busy_timeout", "10s", "How long a writer waits for other writers before it fails"),
    sdk::text_option(
        "synchronous", "FULL",
        "FULL: a commit survives a power loss. EXTRA: as FULL, for rollback journals too. NORMAL: faster, the "
        "last commits may be lost with the power"),
    sdk::size_option("cache_size", "4MiB", "Pages that one connection keeps in memory"),
};

}  // namespace

IMGSRV_PLUGIN("org.imgsrv.database.sqlite", "0.1.0", "imgsrv", "Apache-2.0",
              sdk::database<imgsrv::sqlite::Database, imgsrv::sqlite::Connection, imgsrv::sqlite::Rows>(
                  "sqlite", kOptions.data()));
