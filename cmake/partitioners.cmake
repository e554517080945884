# SPDX-License-Identifier: BSL-1.0
# motet::metis and motet::scotch: what a program links to beside motet::motet (or motet::mpi, …) to include
# <motet/balance/metis.hpp> or <motet/balance/scotch.hpp>. Each is there where its library is found; its compile definition
# MOTET_WITH_METIS or MOTET_WITH_SCOTCH tells a source so.
find_path(MOTET_METIS_INCLUDE metis.h)
find_library(MOTET_METIS_LIBRARY metis)
find_path(MOTET_SCOTCH_INCLUDE scotch.h PATH_SUFFIXES scotch)
find_library(MOTET_SCOTCH_LIBRARY scotch)
find_library(MOTET_SCOTCH_ERROR_LIBRARY scotcherr)
mark_as_advanced(MOTET_METIS_INCLUDE MOTET_METIS_LIBRARY MOTET_SCOTCH_INCLUDE MOTET_SCOTCH_LIBRARY
                 MOTET_SCOTCH_ERROR_LIBRARY)

# add_partitioner(NAME INCLUDE LIBRARY…): nothing, where one of them was not found.
function(add_partitioner name)
  if(TARGET motet::${name})
    return()
  endif()
  foreach(part IN LISTS ARGN)
    if(NOT part)
      return()
    endif()
  endforeach()
  list(POP_FRONT ARGN include)
  add_library(motet_${name} INTERFACE)
  add_library(motet::${name} ALIAS motet_${name})
  string(TOUPPER ${name} upper)
  target_compile_definitions(motet_${name} INTERFACE MOTET_WITH_${upper})
  target_include_directories(motet_${name} SYSTEM INTERFACE ${include})
  target_link_libraries(motet_${name} INTERFACE ${ARGN})
endfunction()
add_partitioner(metis "${MOTET_METIS_INCLUDE}" "${MOTET_METIS_LIBRARY}")
add_partitioner(scotch "${MOTET_SCOTCH_INCLUDE}" "${MOTET_SCOTCH_LIBRARY}" "${MOTET_SCOTCH_ERROR_LIBRARY}")
