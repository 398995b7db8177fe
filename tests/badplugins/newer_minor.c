#define ABI_MINOR 9
#define HOST_MINOR_MIN 7
#include "sound.h"
