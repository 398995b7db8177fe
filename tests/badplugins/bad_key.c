#include <imgsrv/abi.h>
static const imgsrv_option option = {sizeof option, IMGSRV_OPT_STRING, 0, 0, "Colour-Of", 0, 0};
static const imgsrv_option* const options[] = {&option, 0};
#define OPTIONS options
#include "sound.h"
