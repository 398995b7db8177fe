#define PLUGIN_SIZE 48
#include "sound.h"
