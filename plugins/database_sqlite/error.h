#pragma once

#include <sqlite3.h>

#include <imgsrv/imgsrv.hpp>
#include <string>
#include <string_view>

namespace imgsrv::sqlite {

// Other writers held the database for all of busy_timeout.
sdk::Failure busy();

// A statement of the host is wrong: a bug there, not the user's fault.
sdk::Failure bad_statement(std::string message);

// A call to the operating system failed. Never PERMISSION_DENIED: that is about the client, and this is about the
// server.
sdk::Failure os_failure(int error, std::string_view doing);

// The failure rc that the last call on db returned, in the ABI's terms. doing ("commit") begins the message. db may be
// null.
sdk::Failure sqlite_failure(sqlite3* db, int rc, std::string_view doing);

}  // namespace imgsrv::sqlite
