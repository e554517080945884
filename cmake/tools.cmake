# SPDX-License-Identifier: BSL-1.0
# Targets for those who work on Motet: tidy, docs.
if(TARGET test_main)
  find_program(MOTET_CLANG_TIDY clang-tidy-14)
  # Every header at once, in one source file that is made for the strict tests: no header is read twice.
  if(TARGET motet::mpi)
    set(every_header ${PROJECT_BINARY_DIR}/tests/every_header_with_mpi.cpp)
    add_library(every_header OBJECT EXCLUDE_FROM_ALL ${every_header})
    target_link_libraries(every_header PRIVATE motet_mpi)
  else()
    set(every_header ${PROJECT_BINARY_DIR}/tests/every_header.cpp)
    add_library(every_header OBJECT EXCLUDE_FROM_ALL ${every_header})
    target_link_libraries(every_header PRIVATE motet)
  endif()
  if(MOTET_CLANG_TIDY)
    add_custom_target(tidy COMMAND ${MOTET_CLANG_TIDY} --quiet -p ${PROJECT_BINARY_DIR} ${every_header} USES_TERMINAL)
  endif()
endif()

find_package(Doxygen QUIET)
if(DOXYGEN_FOUND)
  configure_file(cmake/Doxyfile.in Doxyfile @ONLY)
  add_custom_target(docs COMMAND Doxygen::doxygen ${PROJECT_BINARY_DIR}/Doxyfile USES_TERMINAL
                         COMMENT "API reference: ${PROJECT_BINARY_DIR}/docs/html/index.html")
endif()
