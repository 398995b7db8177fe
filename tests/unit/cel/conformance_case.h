#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cel/environment.h"
#include "textproto.h"

// One case of the CEL specification's conformance files (message SimpleTest of its simple.proto).
struct ConformanceCase {
    std::string name;  // file/section/case
    std::string expression;
    bool checked = true;
    imgsrv::cel::Declarations declarations;
    imgsrv::cel::Bindings bindings;
    std::optional<imgsrv::cel::Value> value;  // none: the evaluation must fail
    std::string left_out;                     // why it cannot be run; empty: it can
};

// The cases of one file.
std::vector<ConformanceCase> conformance_cases(const std::string& file, const textproto::Message& content);

// Whether two values are the same, kinds included; a NaN is itself.
bool identical(const imgsrv::cel::Value& a, const imgsrv::cel::Value& b);
// For people.
std::string show(const imgsrv::cel::Value& value);
