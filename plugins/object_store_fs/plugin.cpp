#include <imgsrv/imgsrv.hpp>

#include "store.h"

namespace {

namespace sdk = imgsrv::sdk;

constexpr sdk::OptionList kOptions{
    sdk::required_text_option("root",
                              "Folder the objects are kept in; made when absent. On one local file system, and "
                              "used by one process at a time"),
    sdk::boolean_option("fsync", "true",
                        "Whether an object or part is on the disk before it counts as stored; false only for tests"),
    sdk::boolean_option("read_only", "false",
                        "Whether only to read what is there, beside the process that uses the store; for copying it"),
    sdk::boolean_option("direct_io", "true",
                        "Whether long bodies go to the disk past the page cache (O_DIRECT), where the file system can: "
                        "steadier and quicker on anything without moving parts. On a rotating disk false is better: "
                        "parts are read again for their digest"),
};

}  // namespace

IMGSRV_PLUGIN("org.imgsrv.object_store.fs", "1.0.0", "imgsrv", "Apache-2.0",
              sdk::object_store<imgsrv::fs::Store>("fs", kOptions.data()));
