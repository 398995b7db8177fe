#include <imgsrv/imgsrv.hpp>

#include "connection.h"
#include "database.h"
#include "rows.h"

namespace sdk = imgsrv::sdk;

namespace {

constexpr sdk::OptionList kOptions{
    sdk::secret_option("url", "postgresql://user:password@host:5432/database?sslmode=verify-full", IMGSRV_OPT_REQUIRED),
    sdk::duration_option("connect_timeout", "5s", "How long the server may take to accept a connection"),
    sdk::text_option(
        "isolation", "serializable",
        "Isolation of write transactions. serializable: as if they ran one after another. repeatable-read: fewer "
        "retries under load, if every row that must not change is locked"),
};

}  // namespace

IMGSRV_PLUGIN("org.imgsrv.database.postgres", "0.1.0", "imgsrv", "Apache-2.0",
              sdk::database<imgsrv::postgres::Database, imgsrv::postgres::Connection, imgsrv::postgres::Rows>(
                  "postgres", kOptions.data()));
