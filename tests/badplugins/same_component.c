#define ID "org.example.other"
#include "sound.h"
