# One INTERFACE target carries the language level, the warnings and the
# sanitizers of every fedgap target.
add_library(fedgap_options INTERFACE)
add_library(fedgap::options ALIAS fedgap_options)

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

target_compile_features(fedgap_options INTERFACE cxx_std_20)
target_compile_options(
  fedgap_options
  INTERFACE
    # The same bits on every CPU: no contraction beyond the fused
    # multiply-adds that the code spells out.
    -ffp-contract=off
    $<BUILD_INTERFACE:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion>
    $<BUILD_INTERFACE:-Wnon-virtual-dtor;-Woverloaded-virtual>
    $<BUILD_INTERFACE:$<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>>)
# Generated code (a target with the property FEDGAP_GENERATED) is built by one
# command line in every preset, without sanitizers: the compiler cache then
# compiles it once.
set(ours $<NOT:$<BOOL:$<TARGET_PROPERTY:FEDGAP_GENERATED>>>)
if(FEDGAP_WERROR)
  target_compile_options(fedgap_options
                         INTERFACE $<BUILD_INTERFACE:$<${ours}:-Werror>>)
endif()
if(FEDGAP_SANITIZE)
  # -O1 -g1: half the compile time of -O2 -g, and lines still show in reports.
  target_compile_options(
    fedgap_options
    INTERFACE "$<${ours}:-O1;-g1;-fsanitize=${FEDGAP_SANITIZE}>"
              "$<${ours}:-fno-omit-frame-pointer;-fno-sanitize-recover=all>")
  target_link_options(fedgap_options INTERFACE -fsanitize=${FEDGAP_SANITIZE})
endif()

if(FEDGAP_BUILD_FUZZ)
  # Coverage feedback in every library; the targets add libFuzzer itself.
  target_compile_options(fedgap_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(FEDGAP_CCACHE ccache)
if(FEDGAP_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${FEDGAP_CCACHE}")
endif()
