#include "conformance/object_store.h"

namespace imgsrv::conformance {

Suite object_store_checks() {
    return {};
}

}  // namespace imgsrv::conformance
