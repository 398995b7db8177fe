#define VERSION 0
#include "sound.h"
