#include <imgsrv/abi.h>
static const imgsrv_component* const none[] = {0};
#define COMPONENTS none
#include "sound.h"
