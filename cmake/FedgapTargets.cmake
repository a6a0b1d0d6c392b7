# The targets that stand for a kind: `programs` (what users run), `unit_tests`
# (what always runs under the sanitizers), `benches` and `fuzzers`.
add_custom_target(programs)
add_custom_target(unit_tests)
add_custom_target(benches)
add_custom_target(fuzzers)

# fedgap_add_subdirectories(dir...): adds each folder of the tree in order.
function(fedgap_add_subdirectories)
  foreach(dir IN LISTS ARGN)
    if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${dir}/CMakeLists.txt")
      add_subdirectory("${dir}")
    endif()
  endforeach()
endfunction()

# fedgap_compile_apart(file...): not together with the folder's other sources
# where the preset compiles several at once (the sanitizers' do): they have
# names of their own file in common, or include a header in a way of their own.
function(fedgap_compile_apart)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
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

# fedgap_program(name COMPONENT component SOURCES file... [DEPS target...])
# A program that is installed, and packaged in fedgap-<component>; built into
# <build>/bin.
function(fedgap_program name)
  cmake_parse_arguments(ARG "" "COMPONENT" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE fedgap::options ${ARG_DEPS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                                           "${PROJECT_BINARY_DIR}/bin")
  add_dependencies(programs ${name})
  install(TARGETS ${name} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}"
                                  COMPONENT "${ARG_COMPONENT}")
endfunction()

# fedgap_description(program COMPLETION word... MANUAL word...)
# The program's completion scripts and manual page, which it prints itself when
# it is given these words (and the shell's name), made anew with it and
# installed. Not where what is built doesn't run, or runs slowly.
function(fedgap_description program)
  cmake_parse_arguments(ARG "" "" "COMPLETION;MANUAL" ${ARGN})
  if(CMAKE_CROSSCOMPILING OR FEDGAP_SANITIZE)
    return()
  endif()
  set(dir "${PROJECT_BINARY_DIR}/share")
  file(MAKE_DIRECTORY "${dir}")
  set(outputs)
  foreach(kind manual bash zsh)
    set(words ${ARG_COMPLETION} ${kind})
    set(name "${program}.${kind}")
    if(kind STREQUAL "manual")
      set(words ${ARG_MANUAL})
      set(name "${program}.1")
    endif()
    add_custom_command(
      OUTPUT "${dir}/${name}"
      COMMAND "${CMAKE_COMMAND}" "-DOUT=${dir}/${name}"
              "-DPROGRAM=$<TARGET_FILE:${program}>" "-DWORDS=${words}" -P
              "${PROJECT_SOURCE_DIR}/cmake/WriteOutput.cmake"
      DEPENDS ${program} "${PROJECT_SOURCE_DIR}/cmake/WriteOutput.cmake"
      VERBATIM)
    list(APPEND outputs "${dir}/${name}")
  endforeach()
  add_custom_target(${program}_description ALL DEPENDS ${outputs})
  add_dependencies(programs ${program}_description)
  install(FILES "${dir}/${program}.1"
          DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
  install(FILES "${dir}/${program}.bash"
          DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions"
          RENAME "${program}")
  install(FILES "${dir}/${program}.zsh"
          DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions"
          RENAME "_${program}")
endfunction()

# fedgap_test(name SOURCES file... [DEPS target...] [LABELS label])
# One test program; each TEST in it becomes one ctest case (the whole program
# under sanitizers). The label is one of
#   unit         (the default) hermetic, fast, run under the sanitizers
#   rpc          gRPC on loopback; address sanitizer only: Debian's gRPC is not
#                built for ThreadSanitizer
#   integration  whole programs
#   carried      needs data that the repository doesn't hold; skips without it
function(fedgap_test name)
  cmake_parse_arguments(ARG "" "LABELS" "SOURCES;DEPS" ${ARGN})
  set(ARG_LABEL unit)
  if(ARG_LABELS)
    set(ARG_LABEL "${ARG_LABELS}")
  endif()
  if(NOT ARG_LABEL MATCHES "^(unit|rpc|integration|carried)$")
    message(FATAL_ERROR "fedgap_test(${name}): no label '${ARG_LABEL}'")
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE fedgap::options ${ARG_DEPS}
                                        fedgap_project_tree GTest::gmock
                                        GTest::gtest_main)
  if(NOT FEDGAP_SANITIZE)
    # The tests' own sources compile in two thirds of the time; what they test
    # keeps its flags.
    target_compile_options(${name} PRIVATE -O1)
  endif()
  if(FEDGAP_SANITIZE MATCHES "undefined")
    # The checks of every pointer, in the tests' own sources: two thirds of
    # their compile time. The libraries keep them.
    target_compile_options(
      ${name} PRIVATE
      -fno-sanitize=vptr,null,alignment,pointer-overflow,object-size)
  endif()
  if(ARG_LABEL STREQUAL "unit")
    add_dependencies(unit_tests ${name})
  endif()
  if(FEDGAP_SANITIZE)
    # A start of a program costs a quarter of a second there: one for all of
    # its cases.
    add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
    set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT 900)
    return()
  endif()
  gtest_discover_tests(
    ${name}
    DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT 300)
endfunction()

# fedgap_bench(name SOURCES file... [DEPS target...])
# A Google Benchmark program with benchmark_main, in <build>/bench/bin.
function(fedgap_bench name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE fedgap::options ${ARG_DEPS}
                                        benchmark::benchmark_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                                           "${PROJECT_BINARY_DIR}/bench/bin")
  add_dependencies(benches ${name})
endfunction()
