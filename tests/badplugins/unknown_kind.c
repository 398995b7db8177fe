#define KIND 77
#include "sound.h"
