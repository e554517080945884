# SPDX-License-Identifier: BSL-1.0
# Targets for those who work on Motet itself.
find_program(MOTET_CLANG_FORMAT NAMES clang-format-14 clang-format)
