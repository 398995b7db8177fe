#pragma once

#include <string>
#include <vector>

namespace imgsrv::app {

// Returns the arguments after the program's name, in order. Overwrites secrets in the process's own list with '*',
// because every user of the machine can read that list (ps) and core dumps contain it: values of options whose name
// ends in secret, password, token or key, tokens, and passwords in URLs. [main, first]
std::vector<std::string> take_arguments(int argc, char** argv);

}  // namespace imgsrv::app
