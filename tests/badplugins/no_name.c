#define NAME 0
#include "sound.h"
