#pragma once

#include "conformance/runner.h"

namespace imgsrv::conformance {

// The checks every authenticator must pass: rules A1 and on of sdk/ABI.md. Those about issued tokens are for components
// with the extension imgsrv.auth.token_issuer/1.
Suite auth_checks();

}  // namespace imgsrv::conformance
