#pragma once

#include "conformance/runner.h"

namespace imgsrv::conformance {

// The checks every database driver must pass: rules D1 and on of sdk/ABI.md. They use tables whose names begin with
// "conformance_" only, and speak the dialects "sqlite" and "postgresql".
Suite database_checks();

}  // namespace imgsrv::conformance
