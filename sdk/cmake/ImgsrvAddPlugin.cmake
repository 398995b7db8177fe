set(_imgsrv_plugin_map "${CMAKE_CURRENT_LIST_DIR}/plugin.map")

# imgsrv_add_plugin(<target> SOURCES ... [LIBRARIES ...])
# A shared object that the host can load: <target>.so, in C or C++, which exports imgsrv_plugin_v1 and nothing else, binds
# all symbols when it is loaded and never leaves the process.
# Set IMGSRV_SANITIZE when sanitizers are on: their symbols come from the program that loads the plugin.
function(imgsrv_add_plugin name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_library(${name} MODULE ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES
    PREFIX ""
    CXX_STANDARD 20
    CXX_STANDARD_REQUIRED ON
    C_VISIBILITY_PRESET hidden
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
  target_link_libraries(${name} PRIVATE imgsrv::sdk ${ARG_LIBRARIES})
  target_link_options(${name} PRIVATE
    -Wl,-z,now -Wl,-z,nodelete "-Wl,--version-script=${_imgsrv_plugin_map}")
  if(NOT IMGSRV_SANITIZE)
    target_link_options(${name} PRIVATE -Wl,--no-undefined)
  endif()
  set_property(TARGET ${name} APPEND PROPERTY LINK_DEPENDS "${_imgsrv_plugin_map}")
endfunction()
