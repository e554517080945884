# SPDX-License-Identifier: BSL-1.0
# What Motet's headers need, found in the same way for this build and for a program that uses an installed Motet.
# CONFIG: Boost's own files, which know the version that is installed; Debian 12 has 1.74 and 1.81, and only one at a time.
find_package(Boost 1.81 CONFIG QUIET COMPONENTS context)
find_package(fmt 9 CONFIG QUIET)
find_package(Threads REQUIRED)
if(NOT Boost_FOUND OR NOT fmt_FOUND)
  message(FATAL_ERROR "Motet needs Boost 1.81 or newer (its headers and Boost.Context) and {fmt} 9 or newer.\n"
                      "Debian 12: apt-get install libboost-context1.81-dev libfmt-dev")
endif()
