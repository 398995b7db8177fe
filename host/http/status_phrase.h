#pragma once

#include <string_view>

namespace imgsrv::http {

// The reason phrase of a status code (IANA HTTP Status Code Registry); "Unknown" for one this server never sends.
std::string_view status_phrase(int status);

}  // namespace imgsrv::http
