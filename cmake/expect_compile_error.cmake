# SPDX-License-Identifier: BSL-1.0
# cmake -DCOMPILER=… -DSOURCE=… -DINCLUDE=… -P expect_compile_error.cmake
# Passes if SOURCE does not compile and every sentence after "// expect:" in it stands in an error message.
file(STRINGS ${SOURCE} sentences REGEX "^// expect: ")
file(STRINGS ${SOURCE} flags REGEX "^// flags: ")
if(NOT sentences)
  message(FATAL_ERROR "${SOURCE} has no line '// expect: …'")
endif()
string(REPLACE "// flags: " "" flags "${flags}")
separate_arguments(flags UNIX_COMMAND "${flags}")

# One line for each message, and no lines of source below it, in which the sentence would stand whatever went wrong.
set(no_source -fno-diagnostics-show-caret)
if(COMPILER MATCHES "clang")
  set(no_source -fno-caret-diagnostics)
endif()
set(ENV{LC_ALL} C)
# Without the bodies of the runtime (MOTET_SEPARATE), which have no part in it and take most of the time.
execute_process(COMMAND ${COMPILER} -std=c++20 -DMOTET_SEPARATE -fsyntax-only -fmessage-length=0
                        ${no_source} -I${INCLUDE} ${flags} ${SOURCE}
                RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(result EQUAL 0)
  message(FATAL_ERROR "It compiles, and must not.")
endif()
foreach(sentence IN LISTS sentences)
  string(REPLACE "// expect: " "" sentence "${sentence}")
  string(FIND "${output}" "${sentence}" at)
  string(SUBSTRING "${output}" 0 ${at} before)
  string(FIND "${before}" "\n" line REVERSE)
  string(SUBSTRING "${before}" ${line} -1 line)
  if(at EQUAL -1 OR NOT line MATCHES "error: ")
    message(FATAL_ERROR "No error message says '${sentence}':\n${output}")
  endif()
endforeach()
