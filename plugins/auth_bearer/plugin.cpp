#include <imgsrv/imgsrv.hpp>

#include "authenticator.h"

namespace sdk = imgsrv::sdk;

IMGSRV_PLUGIN("org.imgsrv.auth.bearer", "0.1.0", "imgsrv", "Apache-2.0",
              sdk::authenticator<imgsrv::bearer::Authenticator>("bearer", sdk::kNoOptions));
