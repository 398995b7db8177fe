#pragma once

#include <string_view>

namespace imgsrv_incus {

// The name that Simple Streams clients know for a catalogue architecture (`x86_64` and `amd64` are both `amd64`).
// Empty when neither Incus nor LXD knows it: such an image cannot be listed.
std::string_view stream_architecture(std::string_view catalogue_name);

}  // namespace imgsrv_incus
