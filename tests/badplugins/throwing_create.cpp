// Built past the headers: a cast hides that create() may throw.
#include <stdexcept>

extern "C" {
#include <imgsrv/abi.h>
static imgsrv_code throwing_create(const imgsrv_host*, const char*, const imgsrv_config*, const imgsrv_call*, void**,
                                   imgsrv_error*) {
    throw std::runtime_error("nobody catches this");
}
}
#define ID "org.example.throwing"
#define NAME "throwing"
#define CREATE reinterpret_cast<decltype(imgsrv_component::create)>(&throwing_create)
#include "sound.h"
