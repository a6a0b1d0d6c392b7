# fedgap_add_subdirectories(dir...): adds each folder of the tree in order.
function(fedgap_add_subdirectories)
  foreach(dir IN LISTS ARGN)
    if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${dir}/CMakeLists.txt")
      add_subdirectory("${dir}")
    endif()
  endforeach()
endfunction()

# fedgap_library(name SOURCES file... [DEPS target...] [PRIVATE_DEPS target...])
# One folder, one static library: fedgap_<name>, alias fedgap::<name>. Headers
# are included from the root: #include "common/base/clock.h".
function(fedgap_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(fedgap_${name} STATIC ${ARG_SOURCES})
  add_library(fedgap::${name} ALIAS fedgap_${name})
  set_target_properties(fedgap_${name} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(
    fedgap_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
                          $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/fedgap>)
  target_link_libraries(
    fedgap_${name}
    PUBLIC fedgap::options ${ARG_DEPS}
    PRIVATE ${ARG_PRIVATE_DEPS})
  set_property(GLOBAL APPEND PROPERTY FEDGAP_LIBRARIES fedgap_${name})
endfunction()

# fedgap_test(name SOURCES file... [DEPS target...] [LABELS label...])
# One test program; each TEST in it becomes one ctest case. The default label
# is `unit`: hermetic, fast, run under the sanitizers.
function(fedgap_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE fedgap::options ${ARG_DEPS}
                                        GTest::gmock GTest::gtest_main)
  target_compile_definitions(
    ${name} PRIVATE FEDGAP_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                    FEDGAP_BINARY_DIR="${PROJECT_BINARY_DIR}")
  gtest_discover_tests(
    ${name}
    DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT 300)
endfunction()
