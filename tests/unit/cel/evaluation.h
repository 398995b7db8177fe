#pragma once

#include <string>

#include "cel/program.h"

// Shorthands for the tests: each names what became of an expression.
namespace imgsrv::cel::test {

// The variables of the tests: claims, a map(string, dyn).
Bindings claims(Map map);
Map map_of(std::vector<Map::Entry> entries);

// The value as text: true, 1, 1u, 1.5, 'text', b'text', [1, 2], {'a': 1}, null; or "error: " and the message.
std::string result(const std::string& expression, const Bindings& bindings = {});
// The same without checking the types first.
std::string unchecked(const std::string& expression, const Bindings& bindings = {});
// "1:7 message" of the error that compile() gives; "" when there is none.
std::string complaint(const std::string& expression, const Limits& limits = {});
// The name of the type that compile() finds.
std::string type(const std::string& expression);

}  // namespace imgsrv::cel::test
