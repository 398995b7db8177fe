#pragma once

#include "conformance/database_link.h"
#include "conformance/runner.h"

namespace imgsrv::conformance {

// The parts of database_checks(), one file each.
void add_transaction_checks(Suite& suite);
void add_statement_checks(Suite& suite);
void add_value_checks(Suite& suite);
void add_error_checks(Suite& suite);
void add_limit_checks(Suite& suite);
void add_concurrency_checks(Suite& suite);
void add_notification_checks(Suite& suite);

}  // namespace imgsrv::conformance
