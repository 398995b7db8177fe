#pragma once

#include <libpq-fe.h>

namespace imgsrv::postgres {

// The format code of binary parameters and results.
inline constexpr int kBinaryFormat = 1;

// Types by their numbers in pg_type, which never change.
inline constexpr Oid kBool = 16, kBytea = 17, kName = 19, kInt8 = 20, kInt2 = 21, kInt4 = 23, kText = 25, kOid = 26,
                     kJson = 114, kFloat4 = 700, kFloat8 = 701, kUnknown = 705, kBpchar = 1042, kVarchar = 1043;

// Their binary form is their text.
constexpr bool is_textual(Oid type) {
    return type == kText || type == kVarchar || type == kBpchar || type == kName || type == kUnknown || type == kJson;
}

constexpr bool is_integral(Oid type) {
    return type == kInt8 || type == kInt4 || type == kInt2;
}

}  // namespace imgsrv::postgres
