#include "conformance/database.h"

#include "conformance/database_parts.h"
#include "conformance/local_data.h"

namespace imgsrv::conformance {

Suite database_checks() {
    Suite suite;
    add_transaction_checks(suite);
    add_statement_checks(suite);
    add_value_checks(suite);
    add_error_checks(suite);
    add_limit_checks(suite);
    add_concurrency_checks(suite);
    add_notification_checks(suite);
    add_local_data_checks(suite);
    return suite;
}

}  // namespace imgsrv::conformance
