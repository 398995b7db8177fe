#include <imgsrv/imgsrv.hpp>

#include "store.h"

namespace {

namespace sdk = imgsrv::sdk;

constexpr sdk::OptionList kOptions{
    sdk::required_text_option("root",
                              "Folder for the objects; created when absent. On one local file system, and "
                              "used by one process at a time"),
    sdk::boolean_option("fsync", "true",
                        "Sync each object and part to the disk before it counts as stored; false only for tests"),
    sdk::boolean_option("read_only", "false", "Open the store read only while another process uses it; for copying"),
    sdk::boolean_option("direct_io", "true",
                        "Write long bodies past the page cache (O_DIRECT), where the file system can: "
                        "steadier and quicker on anything without moving parts. On a rotating disk false is better: "
                        "parts are read again for their digest"),
};

}  // namespace

IMGSRV_PLUGIN("org.imgsrv.object_store.fs", "1.0.0", "imgsrv", "Apache-2.0",
              sdk::object_store<imgsrv::fs::Store>("fs", kOptions.data()));
