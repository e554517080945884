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

# motet_precompile(TARGET): the files of an executable that links to motet::separate (or motet::mpi_separate) find
# <motet/motet.hpp> parsed already, once for all such executables. They must be compiled with the flags that hold for the
# whole project; with other ones the compiler does not take it.
function(motet_precompile target)
  get_target_property(libraries ${target} LINK_LIBRARIES)
  foreach(name separate mpi_separate)
    if(NOT motet::${name} IN_LIST libraries)
      continue()
    endif()
    if(NOT TARGET motet_${name}_precompiled)
      file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/motet/${name}_precompiled.cpp CONTENT "#include <motet/motet.hpp>\n")
      add_library(motet_${name}_precompiled OBJECT EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/motet/${name}_precompiled.cpp)
      target_link_libraries(motet_${name}_precompiled PRIVATE motet::${name})
      target_precompile_headers(motet_${name}_precompiled PRIVATE <motet/motet.hpp>)
    endif()
    target_precompile_headers(${target} REUSE_FROM motet_${name}_precompiled)
    return()
  endforeach()
  message(FATAL_ERROR "motet_precompile(${target}): link it to motet::separate or motet::mpi_separate first")
endfunction()
