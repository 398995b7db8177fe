#define CREATE 0
#include "sound.h"
