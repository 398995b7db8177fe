#include <imgsrv/abi.h>
static const imgsrv_component component;
static const imgsrv_component* const twice[] = {&component, &component, 0};
#define COMPONENTS twice
#include "sound.h"
