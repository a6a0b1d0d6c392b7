# Cross build for 64-bit Arm with Debian's compiler, against the unpacked arm64
# packages in FEDGAP_SYSROOT (tools/dev/sysroot.sh makes it). What is built runs
# here under qemu-user.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++-12)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES FEDGAP_SYSROOT)
set(CMAKE_SYSROOT "${FEDGAP_SYSROOT}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${FEDGAP_SYSROOT}")
set(ENV{PKG_CONFIG_LIBDIR}
    "${FEDGAP_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${FEDGAP_SYSROOT}/usr/share/pkgconfig")

set(CMAKE_CROSSCOMPILING_EMULATOR
    "qemu-aarch64;-L;${FEDGAP_SYSROOT}")
