#include "conformance/object_store.h"

#include "conformance/local_data.h"

namespace imgsrv::conformance {

Suite object_store_checks() {
    Suite suite;
    add_key_checks(suite);
    add_put_checks(suite);
    add_read_checks(suite);
    add_object_checks(suite);
    add_part_checks(suite);
    add_upload_checks(suite);
    add_local_data_checks(suite);
    return suite;
}

}  // namespace imgsrv::conformance
