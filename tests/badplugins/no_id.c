#define ID ""
#include "sound.h"
