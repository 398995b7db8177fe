#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/catalogue.h"

namespace imgsrv::client {

// Every "sha256:…" in a text, once.
std::vector<std::string> digests_in(std::string_view text);
// Those that the job's version names.
Result<std::vector<std::string>> digests_of_version(Catalogue& catalogue, const Job& job);

// " (validate_catalog failed: …)"; empty when nothing did.
std::string what_failed(const Job& job);

// What went wrong with a job, the digests concerned, and what to do next, in lines. digests: those of its version, in
// case the failure itself names none.
std::string triage(const Job& job, const std::vector<std::string>& digests);

}  // namespace imgsrv::client
