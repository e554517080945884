# SPDX-License-Identifier: BSL-1.0
# motet::mpi and motet::mpi_separate: the same as motet::motet and motet::separate for programs that run as MPI jobs.
# They are there where an MPI is found. A machine may have several: with -DMOTET_MPI=mpich it is that of mpicxx.mpich
# and mpiexec.mpich, as Debian calls them.
set(MOTET_MPI "" CACHE STRING "Which MPI: openmpi or mpich (empty: what CMake finds)")
if(MOTET_MPI)
  set(MPI_CXX_COMPILER mpicxx.${MOTET_MPI} CACHE STRING "")
  set(MPIEXEC_EXECUTABLE mpiexec.${MOTET_MPI} CACHE STRING "")
endif()
set(MPI_CXX_SKIP_MPICXX ON)
find_package(MPI 3.0 QUIET COMPONENTS CXX)

function(add_mpi_motet headers)
  add_library(motet_mpi_headers INTERFACE)
  target_compile_definitions(motet_mpi_headers INTERFACE MOTET_WITH_MPI)
  target_link_libraries(motet_mpi_headers INTERFACE ${headers} MPI::MPI_CXX)
  add_library(motet_mpi INTERFACE)
  add_library(motet::mpi ALIAS motet_mpi)
  target_link_libraries(motet_mpi INTERFACE motet_mpi_headers fmt::fmt-header-only)
  add_separate_motet(mpi_separate motet_mpi_headers)
endfunction()
