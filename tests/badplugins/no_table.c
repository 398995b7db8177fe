#define TABLE 0
#include "sound.h"
