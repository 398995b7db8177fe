// Built for a later host, and able to do without it: one component is of a kind that this host does not know.
#include <imgsrv/abi.h>
static const imgsrv_component component;
static const imgsrv_component later = {sizeof later, 77, 0, 0, "oracle", 0, 0, 0, 0, 0, 0};
static const imgsrv_component* const both[] = {&later, &component, 0};
#define ID "org.example.newer_kinds"
#define NAME "forward"
#define ABI_MINOR 9
#define COMPONENTS both
#include "sound.h"
