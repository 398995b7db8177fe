#define AUTHENTICATE 0
#include "sound.h"
