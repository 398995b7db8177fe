#include <imgsrv/imgsrv.hpp>

#include "authenticator.h"

namespace sdk = imgsrv::sdk;

namespace {

constexpr sdk::OptionList kOptions{
    sdk::text_option("ca_file", nullptr, "PEM file with the authorities trusted for issuers; without it, the system's"),
    sdk::duration_option("key_refresh", "10m", "How often an issuer's keys are fetched again"),
    sdk::duration_option("fetch_timeout", "5s", "How long fetching one document from an issuer may take"),
};

}  // namespace

IMGSRV_PLUGIN("org.imgsrv.auth.oidc", "0.1.0", "imgsrv", "Apache-2.0",
              sdk::authenticator<imgsrv::oidc::Authenticator>("oidc", kOptions));
