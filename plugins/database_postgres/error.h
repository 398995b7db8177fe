#pragma once

#include <libpq-fe.h>

#include <imgsrv/imgsrv.hpp>
#include <string>
#include <string_view>

namespace imgsrv::postgres {

// The server's error for a failed statement, in the ABI's terms. Values of rows and parameters stay out of the message.
sdk::Failure server_failure(const PGresult* result, std::string_view doing);

// The link is dead or never was. text: libpq's or our own, without the password.
sdk::Failure link_failure(std::string_view text);

// A statement of the host is wrong: a bug there, not the user's fault.
sdk::Failure bad_statement(std::string message);

// The failure for a SQLSTATE that came without a result, such as a refused log-in.
sdk::Failure sqlstate_failure(std::string_view sqlstate, std::string message);

}  // namespace imgsrv::postgres
