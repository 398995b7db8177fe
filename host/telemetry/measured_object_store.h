#pragma once

#include <prometheus/registry.h>

#include <memory>

#include "ports/object_store.h"

namespace imgsrv::telemetry {

// Wraps an object store to count its operations, their outcomes, durations and bytes. A stream's duration is that of
// opening it; its bytes count as they are read. Bytes sent from a file descriptor are not counted. The registry
// outlives the store.
std::unique_ptr<ports::ObjectStore> measure(std::unique_ptr<ports::ObjectStore> store, prometheus::Registry& registry);

}  // namespace imgsrv::telemetry
