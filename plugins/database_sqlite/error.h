#pragma once

#include <sqlite3.h>

#include <imgsrv/imgsrv.hpp>
#include <string>
#include <string_view>

namespace imgsrv::sqlite {

// Other writers kept the database for the whole of busy_timeout.
sdk::Failure busy();

// A statement of the host is wrong: a bug there, nothing a user did.
sdk::Failure bad_statement(std::string message);

// A call to the operating system failed. Never PERMISSION_DENIED: that is about who asks, and this about the server.
sdk::Failure os_failure(int error, std::string_view doing);

// The failure rc that the last call on db returned, in the ABI's terms. doing ("commit") opens the message. db may be
// null.
sdk::Failure sqlite_failure(sqlite3* db, int rc, std::string_view doing);

}  // namespace imgsrv::sqlite
