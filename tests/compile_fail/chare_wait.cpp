// expect: motet: what is waited for is a condition, a function without parameters that gives a bool
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

int main() {
    bool arrived = false;
    motet::wait(arrived);
}
