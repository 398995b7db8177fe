#pragma once

#include "conformance/runner.h"

namespace imgsrv::conformance {

// The checks every publish step must pass: rules P1 and on of sdk/ABI.md. They run it over a version with a qcow2 disk,
// a squashfs, an xz-compressed tarball (each with the attachments `incus.tar.xz` and `sbom.json`) and a raw disk. A
// step that refuses that version is checked only as far as that goes.
Suite publish_step_checks();

}  // namespace imgsrv::conformance
