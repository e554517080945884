// SPDX-License-Identifier: BSL-1.0
#pragma once

// All of Motet with scripting: Python that a user uploads runs inside the program. Link to motet::script.
#ifndef MOTET_WITH_SCRIPT
#error                                                                                                                 \
    "motet: <motet/script.hpp> needs the target motet::script in CMake (it defines MOTET_WITH_SCRIPT, and finds Python)"
#endif

#include <motet/motet.hpp>
#include <motet/script/call.hpp>
#include <motet/script/debug.hpp>
#include <motet/script/run_here.hpp>
#include <motet/script/serve.hpp>
#include <motet/service/listener.hpp>
