#define ID "org.example.null_self"
#define NAME "null_self"
#define SELF 0
#include "sound.h"
