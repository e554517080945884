// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

struct particle {
    int number = 0;
    std::string name;
};

std::string describe_in_program();
std::string describe_in_library();
