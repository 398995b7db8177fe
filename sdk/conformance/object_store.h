#pragma once

#include "conformance/runner.h"

namespace imgsrv::conformance {

// The checks every object store must pass: rules S1 and on of sdk/ABI.md. They use keys below "conformance/" only.
Suite object_store_checks();

}  // namespace imgsrv::conformance
