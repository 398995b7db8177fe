#pragma once

#include <imgsrv/imgsrv.hpp>

namespace imgsrv_incus {

// Puts one row, under the artifact's id, for each artifact of the version that is an Incus image: `qcow2`, `squashfs`
// and `root.tar.xz` with an attachment `incus.tar.xz` or `lxd.tar.xz` (or both), and `unified.tar.gz`. Other artifacts,
// and those of an architecture that no client knows, get none; that is not an error.
void index_version(const imgsrv::sdk::Call& call, imgsrv::sdk::StepRun& run, const imgsrv::sdk::Log& log);

}  // namespace imgsrv_incus
