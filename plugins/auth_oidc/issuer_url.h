#pragma once

#include <string>
#include <string_view>

namespace imgsrv::oidc {

// What is wrong with a URL for fetching keys; empty: nothing. It must be https, or http on loopback, where no one can
// tamper with the answer; with a host, and without user, query and fragment.
std::string url_complaint(std::string_view url);

// Whether it is a valid URL of this machine itself.
bool is_on_loopback(std::string_view url);

// The same for the URL where an issuer says its keys are; it may have a query. Only an issuer on loopback may name a
// loopback URL, http or https: others could make this server read from its own machine.
std::string key_url_complaint(std::string_view url, std::string_view issuer);

// Where an issuer describes itself (OpenID Connect Discovery 1.0, section 4).
std::string discovery_url(std::string_view issuer);

}  // namespace imgsrv::oidc
