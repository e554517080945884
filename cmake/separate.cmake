# SPDX-License-Identifier: BSL-1.0
# motet::separate: Motet with the bodies of the runtime's functions compiled once, for programs of many source files.
# Compiled as part of the program, by its compiler and with its flags; position independent, so that a shared library may
# hold it.
function(add_separate_motet headers)
  add_library(motet_separate STATIC EXCLUDE_FROM_ALL ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/separate.cpp)
  add_library(motet::separate ALIAS motet_separate)
  set_target_properties(motet_separate PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_compile_definitions(motet_separate PUBLIC MOTET_SEPARATE)
  target_link_libraries(motet_separate PUBLIC ${headers} fmt::fmt)
endfunction()
