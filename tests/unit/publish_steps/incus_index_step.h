#pragma once

#include "conformance/publish_step.h"

// The step incus_index as the server loads it, made once for all tests.
inline imgsrv::conformance::Instance& incus_index() {
    using namespace imgsrv::conformance;
    static Instance step(Plugin(INCUS_INDEX).component("incus_index"), Settings());
    return step;
}
