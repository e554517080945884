# SPDX-License-Identifier: BSL-1.0
include(${CMAKE_CURRENT_LIST_DIR}/platform.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/dependencies.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/motet-targets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/separate.cmake)
add_separate_motet(motet::motet_headers)
