#define MAGIC 0x12345678
#include "sound.h"
