#define COMPONENT_SIZE 40
#include "sound.h"
