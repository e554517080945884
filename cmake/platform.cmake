# SPDX-License-Identifier: BSL-1.0
# Refuses platforms that Motet is not written for. include/motet/platform.hpp says the same to a compiler.
if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux" OR NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|aarch64|arm64)$")
  message(FATAL_ERROR "Motet runs on Linux on x86-64 and arm64 only, "
                      "and this is ${CMAKE_SYSTEM_NAME} on ${CMAKE_SYSTEM_PROCESSOR}.")
endif()
