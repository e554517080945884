// expect: motet: run(argc, argv, body) calls body()
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

int main(int argc, char** argv) {
    return motet::run(argc, argv, [](int) {});
}
