# SPDX-License-Identifier: BSL-1.0
# motet::script and motet::script_separate: the same as motet::motet and motet::separate for programs that scripts may
# look into; motet::mpi_script and motet::mpi_script_separate with MPI. They are there where Python's headers, its
# library and pybind11 are found. The Python is that of the system, which has its NumPy: another one that comes first in
# PATH is taken with -DPython3_ROOT_DIR=….
if(NOT Python3_ROOT_DIR AND EXISTS /usr/bin/python3)
  set(Python3_ROOT_DIR /usr)
endif()
set(Python3_FIND_STRATEGY LOCATION)
find_package(Python3 3.11 QUIET COMPONENTS Interpreter Development.Embed)
set(PYBIND11_NOPYTHON ON)
find_package(pybind11 2.10 CONFIG QUIET)
set(MOTET_SCRIPT_FOUND FALSE)
if(Python3_Development.Embed_FOUND AND pybind11_FOUND)
  set(MOTET_SCRIPT_FOUND TRUE)
endif()

# Scripts over TCP need HMAC-SHA256: that of OpenSSL's libcrypto, where it is there.
find_package(OpenSSL 3 QUIET COMPONENTS Crypto)

function(add_script_motet name headers)
  add_library(motet_${name}_headers INTERFACE)
  target_compile_definitions(motet_${name}_headers INTERFACE MOTET_WITH_SCRIPT MOTET_PYTHON="${Python3_EXECUTABLE}")
  target_link_libraries(motet_${name}_headers INTERFACE ${headers} Python3::Python pybind11::headers)
  if(OpenSSL_FOUND)
    target_compile_definitions(motet_${name}_headers INTERFACE MOTET_WITH_TCP)
    target_link_libraries(motet_${name}_headers INTERFACE OpenSSL::Crypto)
  endif()
  add_library(motet_${name} INTERFACE)
  add_library(motet::${name} ALIAS motet_${name})
  target_link_libraries(motet_${name} INTERFACE motet_${name}_headers fmt::fmt-header-only)
  add_separate_motet(${name}_separate motet_${name}_headers)
endfunction()
