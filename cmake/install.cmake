# SPDX-License-Identifier: BSL-1.0
# Makes Motet found by find_package(motet) and by pkg-config once it is installed.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(config_dir ${CMAKE_INSTALL_DATAROOTDIR}/cmake/motet)
install(TARGETS motet motet_headers EXPORT motet FILE_SET HEADERS)
install(EXPORT motet NAMESPACE motet:: FILE motet-targets.cmake DESTINATION ${config_dir})
write_basic_package_version_file(motet-config-version.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES cmake/motet-config.cmake cmake/platform.cmake cmake/dependencies.cmake
              cmake/separate.cmake cmake/separate.cpp cmake/mpi.cmake cmake/script.cmake cmake/partitioners.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/motet-config-version.cmake
        DESTINATION ${config_dir})
configure_file(cmake/motet.pc.in motet.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/motet.pc DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/pkgconfig)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
