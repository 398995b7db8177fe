// Data in a folder or a file of this machine: ../local_data.h. A store or a database has the extension when its class
// has the member kLocalData:
//     static constexpr imgsrv_ext_local_data kLocalData = sdk::local_folder("root", "objects");
#pragma once

#include <cstdint>

#include "../local_data.h"

namespace imgsrv::sdk {

// place_option: the option that takes the folder. default_name: what it is called below data-dir. flags:
// IMGSRV_LOCAL_DATA_*. read_only_option null: there is none.
constexpr imgsrv_ext_local_data local_folder(const char* place_option, const char* default_name,
                                             std::uint32_t flags = 0, const char* read_only_option = nullptr) {
    return {sizeof(imgsrv_ext_local_data),
            flags | IMGSRV_LOCAL_DATA_FOLDER,
            place_option,
            default_name,
            read_only_option,
            nullptr};
}

// As above, for a file. companions: a NULL-terminated list of the endings of files beside it; null: there are none.
constexpr imgsrv_ext_local_data local_file(const char* place_option, const char* default_name, std::uint32_t flags = 0,
                                           const char* const* companions = nullptr,
                                           const char* read_only_option = nullptr) {
    return {sizeof(imgsrv_ext_local_data), flags, place_option, default_name, read_only_option, companions};
}

}  // namespace imgsrv::sdk
