# cpack: Debian packages fedgap-server, fedgap-client, fedgap-tools and, where
# MPI is, fedgap-mpi, into build/packages. dpkg-shlibdeps finds what they need.
# What belongs under /etc and /lib/systemd is in the packages only: cmake
# --install writes to its prefix and nowhere else.
set(deploy "${PROJECT_SOURCE_DIR}/deploy")

# fedgap_package_file(component file destination [RENAME name] [PROGRAM])
function(fedgap_package_file component file destination)
  cmake_parse_arguments(ARG "PROGRAM" "RENAME" "" ${ARGN})
  set(kind FILES)
  if(ARG_PROGRAM)
    set(kind PROGRAMS)
  endif()
  set(rename)
  if(ARG_RENAME)
    set(rename RENAME "${ARG_RENAME}")
  endif()
  install(${kind} "${deploy}/${file}" DESTINATION "${destination}"
          COMPONENT "${component}" EXCLUDE_FROM_ALL ${rename})
endfunction()

fedgap_package_file(server systemd/fedgap-server.service /lib/systemd/system)
fedgap_package_file(server debian/server/server.toml /etc/fedgap)
fedgap_package_file(server backup/fedgap-backup.sh /usr/bin RENAME fedgap-backup
                    PROGRAM)
fedgap_package_file(server nginx/fedgap.conf
                    /usr/share/doc/fedgap-server/examples/nginx)
fedgap_package_file(client systemd/fedgap-client@.service /lib/systemd/system)
fedgap_package_file(client debian/client/example.toml /etc/fedgap/clients)

set(CPACK_COMPONENTS_ALL server client tools)
if(MPI_CXX_FOUND)
  list(APPEND CPACK_COMPONENTS_ALL mpi)
endif()
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER "${component}" key)
  fedgap_package_file(${component} debian/copyright
                      /usr/share/doc/fedgap-${component})
  set(CPACK_DEBIAN_${key}_PACKAGE_NAME fedgap-${component})
  file(GLOB control CONFIGURE_DEPENDS "${deploy}/debian/${component}/p*"
       "${deploy}/debian/${component}/conffiles")
  set(CPACK_DEBIAN_${key}_PACKAGE_CONTROL_EXTRA "${control}")
endforeach()

# Below the one summary line that CPack gives to all of them.
set(CPACK_COMPONENT_SERVER_DESCRIPTION
    "The server: runs rounds of training with clients that keep their images, and
combines their updates so that none counts for more because its images have
more pixels. With a systemd unit; docs/DEPLOY.md of the sources explains it.")
set(CPACK_COMPONENT_CLIENT_DESCRIPTION
    "The client: trains on the images of one site, which never leave it, and
sends updates to a fedgap-server over mutual TLS. With a systemd unit, an
instance a site.")
set(CPACK_COMPONENT_TOOLS_DESCRIPTION
    "The program fedgap: makes the certificates of a federation, simulates one in
a process, watches, reports and evaluates runs.")
set(CPACK_COMPONENT_MPI_DESCRIPTION
    "The program fedgap-mpi: the ranks of fedgap simulate --ranks, a simulation
on several machines.")
set(CPACK_DEBIAN_SERVER_PACKAGE_DEPENDS "adduser")
set(CPACK_DEBIAN_SERVER_PACKAGE_RECOMMENDS "sqlite3")
set(CPACK_DEBIAN_SERVER_PACKAGE_SUGGESTS "fedgap-tools")
set(CPACK_DEBIAN_CLIENT_PACKAGE_DEPENDS "adduser")
set(CPACK_DEBIAN_TOOLS_PACKAGE_SUGGESTS "fedgap-mpi")
set(CPACK_DEBIAN_MPI_PACKAGE_DEPENDS "openmpi-bin")
set(CPACK_DEBIAN_MPI_PACKAGE_SUGGESTS "fedgap-tools")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME fedgap)
set(CPACK_PACKAGE_VENDOR fedgap)
set(CPACK_PACKAGE_CONTACT "fedgap maintainers <maintainers@fedgap.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGE_DIRECTORY "${PROJECT_SOURCE_DIR}/build/packages")
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
    WORLD_EXECUTE)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
