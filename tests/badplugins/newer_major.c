#define ABI_MAJOR 2
#define ABI_MINOR 3
#include "sound.h"
