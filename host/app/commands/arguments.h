#pragma once

#include <string>
#include <vector>

namespace imgsrv::app {

// The arguments after the program's name, in order; and in the process's own list, which every user of the machine can
// read (ps) and a core dump holds, secrets among them are written over with '*': values of options whose name ends in
// secret, password, token or key, tokens, and passwords in URLs. [main, first]
std::vector<std::string> take_arguments(int argc, char** argv);

}  // namespace imgsrv::app
