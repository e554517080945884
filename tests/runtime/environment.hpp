// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdlib>

namespace motet_test {

/// Sets an environment variable for a while.
class environment {
public:
    environment(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
    environment(const environment&) = delete;
    ~environment() { unsetenv(name_); }

private:
    const char* name_;
};

} // namespace motet_test
