#include "conformance/object_store.h"

namespace imgsrv::conformance {

Suite object_store_checks() {
    Suite suite = whole_object_checks();
    const Suite multipart = multipart_checks();
    suite.insert(suite.end(), multipart.begin(), multipart.end());
    return suite;
}

}  // namespace imgsrv::conformance
