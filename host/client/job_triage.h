#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/catalogue.h"

namespace imgsrv::client {

// Every "sha256:…" in a text, once.
std::vector<std::string> digests_in(std::string_view text);
// The digests that the job's version refers to.
Result<std::vector<std::string>> digests_of_version(Catalogue& catalogue, const Job& job);

// " (validate_catalog failed: …)"; empty if nothing failed.
std::string what_failed(const Job& job);

// Lines that say what went wrong with a job, which digests are affected, and what to do next. digests: those of its
// version, in case the failure names none.
std::string triage(const Job& job, const std::vector<std::string>& digests);

}  // namespace imgsrv::client
