# find_package(imgsrv-sdk) gives the target imgsrv::sdk and the function imgsrv_add_plugin().
include("${CMAKE_CURRENT_LIST_DIR}/imgsrv-sdk-targets.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/ImgsrvAddPlugin.cmake")
