#include "cel/error.h"

namespace imgsrv::cel {

std::string Error::describe() const {
    return "line " + std::to_string(at.line) + ", column " + std::to_string(at.column) + ": " + message;
}

}  // namespace imgsrv::cel
