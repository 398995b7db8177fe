#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "conformance/loader.h"
#include "conformance/object_store_client.h"

namespace imgsrv::test {

using conformance::kMiB;
using conformance::kPart;

using Options = std::initializer_list<std::pair<const char*, std::string>>;

// A variable of the server that was started for this test.
std::string s3_variable(const char* name);

const imgsrv_component& s3_component();
// The server's bucket and keys, and these options instead of the usual ones; an empty value removes an option.
conformance::Settings s3_settings(Options options = {});

// The error of create(); empty if it succeeds.
std::string refusal(Options options);
// health() with a deadline of five seconds, as the host calls it.
imgsrv_code health(const conformance::Instance& instance, imgsrv_error& error);

// An open upload of two parts: kPart bytes of pattern 1, and 100 of pattern 2.
struct Upload {
    Upload(conformance::Store& store, const std::string& name);

    std::string key, id;
    std::vector<conformance::Part> parts;
};

}  // namespace imgsrv::test
