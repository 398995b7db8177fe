#pragma once

#include <imgsrv/imgsrv.hpp>

#include "image_row.h"

namespace imgsrv_incus {

// What a unified image holds, told by its first member that belongs to the root: `rootfs.img` is a virtual machine's
// disk, `rootfs/` a container's tree. Reads the archive only up to that member, and at most 10,000 members and 256 MiB
// unpacked.
// Throws Failure: what the reader reported, CANCELLED between two blocks, FAILED_PRECONDITION for anything that is not
// such an archive; its message is a clause that follows the name of the artifact ("is not …", "holds …").
Kind unified_kind(const imgsrv::sdk::Call& call, imgsrv::sdk::OwnedReader& archive);

}  // namespace imgsrv_incus
