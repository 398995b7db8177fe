#include <imgsrv/abi.h>
static const imgsrv_option option = {sizeof option, 42, 0, 0, "colour", 0, "of no type"};
static const imgsrv_option* const options[] = {&option, 0};
#define OPTIONS options
#include "sound.h"
