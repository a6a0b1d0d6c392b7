# cmake --install: programs with their manual pages and completion scripts
# (fedgap_description), static libraries, headers, and the package files
# with which find_package(fedgap) gives fedgap::<folder's library>. The target
# `uninstall` takes away what the last cmake --install put there.
include(CMakePackageConfigHelpers)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME dev)

set(FEDGAP_PACKAGE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/fedgap")
get_property(libraries GLOBAL PROPERTY FEDGAP_LIBRARIES)
set_target_properties(fedgap_options PROPERTIES EXPORT_NAME options)
install(TARGETS fedgap_options ${libraries} EXPORT fedgapTargets
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT fedgapTargets NAMESPACE fedgap::
        DESTINATION "${FEDGAP_PACKAGE_DIR}")

foreach(folder common client server dashboard)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}"
          DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/fedgap"
          FILES_MATCHING PATTERN "*.h")
endforeach()
install(DIRECTORY "${PROJECT_BINARY_DIR}/proto/gen/"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/fedgap"
        FILES_MATCHING PATTERN "*.pb.h")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE"
        DESTINATION "${CMAKE_INSTALL_DOCDIR}")

configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/fedgapConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/fedgapConfig.cmake"
  INSTALL_DESTINATION "${FEDGAP_PACKAGE_DIR}")
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/fedgapConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/fedgapConfig.cmake"
              "${PROJECT_BINARY_DIR}/fedgapConfigVersion.cmake"
        DESTINATION "${FEDGAP_PACKAGE_DIR}")

add_custom_target(
  uninstall
  COMMAND
    "${CMAKE_COMMAND}" "-DMANIFEST=${PROJECT_BINARY_DIR}/install_manifest.txt"
    -P "${PROJECT_SOURCE_DIR}/cmake/Uninstall.cmake"
  COMMENT "Removing what cmake --install installed"
  VERBATIM)
