#define TABLE_SIZE 8
#include "sound.h"
