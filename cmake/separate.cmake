# SPDX-License-Identifier: BSL-1.0
# motet::separate: Motet with the bodies of the runtime's functions compiled once, for programs of many source files.
# Compiled as part of the program, by its compiler and with its flags; position independent, so that a shared library may
# hold it. NAME: separate or mpi_separate.
function(add_separate_motet name headers)
  add_library(motet_${name} STATIC EXCLUDE_FROM_ALL ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/separate.cpp)
  add_library(motet::${name} ALIAS motet_${name})
  set_target_properties(motet_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_compile_definitions(motet_${name} PUBLIC MOTET_SEPARATE)
  target_link_libraries(motet_${name} PUBLIC ${headers} fmt::fmt)
endfunction()
