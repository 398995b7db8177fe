# How everything in this tree is compiled, and the functions that declare a host folder, a plugin and a test.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

add_compile_options(-Wall -Wextra -Werror -fno-omit-frame-pointer)
# GCC 12 takes the inactive members of std::variant and std::optional for uninitialised ones (GCC bugs 105562, 107138),
# and at -O2 for memory on the stack that is about to be freed.
add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized>)
add_compile_options($<$<AND:$<COMPILE_LANG_AND_ID:CXX,GNU>,$<CONFIG:RelWithDebInfo>>:-Wno-free-nonheap-object>)
if(IMGSRV_SANITIZE)
  add_compile_options(-fsanitize=${IMGSRV_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${IMGSRV_SANITIZE})
endif()

find_package(Threads REQUIRED)
include(ImgsrvAddPlugin)

# imgsrv_host_library(<folder> SOURCES ... [DEPENDS <folder> ...] [LIBRARIES ...])
# The static library of one host folder ("core", "app/server"). DEPENDS are the only other folders whose headers it may
# include.
function(imgsrv_host_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  string(REPLACE "/" "_" flat_name "${name}")
  set(target imgsrv_host_${flat_name})
  add_library(${target} STATIC ${ARG_SOURCES})
  # A folder's headers are reached as "<folder>/<file>.h" through a link farm that holds that folder alone,
  # so that a wrong arrow does not compile.
  set(farm "${CMAKE_BINARY_DIR}/include/${flat_name}")
  cmake_path(GET name PARENT_PATH parent)
  file(MAKE_DIRECTORY "${farm}/${parent}")
  file(CREATE_LINK "${CMAKE_CURRENT_SOURCE_DIR}" "${farm}/${name}" SYMBOLIC)
  target_include_directories(${target} PUBLIC "${farm}")
  foreach(dep IN LISTS ARG_DEPENDS)
    string(REPLACE "/" "_" flat_dep "${dep}")
    target_link_libraries(${target} PUBLIC imgsrv_host_${flat_dep})
  endforeach()
  target_link_libraries(${target} PUBLIC ${ARG_LIBRARIES} Threads::Threads)
endfunction()

# imgsrv_plugin(<name> SOURCES ... [LIBRARIES ...])
# One of the plugins that come with the server: <name>.so in build/.../plugins, installed to lib/imgsrv/plugins. It sees
# the sdk and nothing else.
function(imgsrv_plugin name)
  imgsrv_add_plugin(${name} ${ARGN})
  set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/plugins")
  target_link_libraries(${name} PRIVATE Threads::Threads)
  install(TARGETS ${name} LIBRARY DESTINATION lib/imgsrv/plugins COMPONENT ${name})
endfunction()
