#pragma once

#include "conformance/runner.h"

namespace imgsrv::conformance {

// The rules F1 and following: what an object store or a database says of data in a folder or file of this machine.
void add_local_data_checks(Suite& suite);

}  // namespace imgsrv::conformance
