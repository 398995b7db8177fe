#include "architecture.h"

#include <algorithm>
#include <array>
#include <utility>

namespace imgsrv_incus {
namespace {

using NamePair = std::pair<std::string_view, std::string_view>;

// Sorted by the first name. The second is one that both clients' tables of architectures hold. ARMv6 goes by its
// kernel name: `armel` means ARMv6 to Incus and ARMv7 to older LXD, where it would take the aliases of `armhf`.
constexpr std::array<NamePair, 33> kNames{{
    {"aarch64", "arm64"},
    {"amd64", "amd64"},
    {"arm64", "arm64"},
    {"armel", "armv6l"},
    {"armhf", "armhf"},
    {"armv6l", "armv6l"},
    {"armv7", "armhf"},
    {"armv7l", "armhf"},
    {"i386", "i386"},
    {"i486", "i386"},
    {"i586", "i386"},
    {"i686", "i386"},
    {"loong64", "loongarch64"},
    {"loongarch64", "loongarch64"},
    {"mips", "mips"},
    {"mips64", "mips64"},
    {"mips64el", "mips64le"},
    {"mips64le", "mips64le"},
    {"mipsel", "mipsle"},
    {"mipsle", "mipsle"},
    {"powerpc", "powerpc"},
    {"powerpc64", "ppc64"},
    {"ppc", "powerpc"},
    {"ppc64", "ppc64"},
    {"ppc64el", "ppc64el"},
    {"ppc64le", "ppc64el"},
    {"riscv32", "riscv32"},
    {"riscv64", "riscv64"},
    {"s390x", "s390x"},
    {"x64", "amd64"},
    {"x86", "i386"},
    {"x86-64", "amd64"},
    {"x86_64", "amd64"},
}};
static_assert(std::ranges::is_sorted(kNames, {}, &NamePair::first));

}  // namespace

std::string_view stream_architecture(std::string_view catalogue_name) {
    const auto found = std::ranges::lower_bound(kNames, catalogue_name, {}, &NamePair::first);
    return found != kNames.end() && found->first == catalogue_name ? found->second : std::string_view();
}

}  // namespace imgsrv_incus
