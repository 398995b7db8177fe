// Needs a library that is not there when it is loaded.
#define ID "org.example.missing"
#include "sound.h"
int gone(void);
int use(void) {
    return gone();
}
