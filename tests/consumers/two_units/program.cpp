// SPDX-License-Identifier: BSL-1.0
#include "parts.hpp"

std::string ask_in_program(motet::chare<greeter> one) { return one.ask<&greeter::greet>("program").get(); }
