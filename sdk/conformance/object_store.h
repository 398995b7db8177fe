#pragma once

#include "conformance/runner.h"

namespace imgsrv::conformance {

// The checks every object store must pass: rules S1 and on of sdk/ABI.md. They use keys below "conformance/" only, keep
// parts at 5 MiB or more except the last, as S3 wants it, and move a few hundred MiB in all.
Suite object_store_checks();

// Its parts, one file each.
void add_key_checks(Suite& suite);
void add_put_checks(Suite& suite);
void add_read_checks(Suite& suite);
void add_object_checks(Suite& suite);
void add_part_checks(Suite& suite);
void add_upload_checks(Suite& suite);

}  // namespace imgsrv::conformance
