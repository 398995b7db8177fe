#pragma once

#include <prometheus/registry.h>

#include <memory>

#include "ports/object_store.h"

namespace imgsrv::telemetry {

// The same object store, counting its operations, how they ended, how long they took and the bytes that passed. A
// stream's duration is that of its opening; its bytes count as they are read. Bytes that leave through a file's
// descriptor are counted by nobody here. The registry outlives it.
std::unique_ptr<ports::ObjectStore> measure(std::unique_ptr<ports::ObjectStore> store, prometheus::Registry& registry);

}  // namespace imgsrv::telemetry
