// SPDX-License-Identifier: BSL-1.0
// fib N [GRAIN]: a Fibonacci number by futures. It is the sum of two that are asked of new chares, which live on any
// PE; below GRAIN a chare computes alone.
#include "../number.hpp"

#include <motet/motet.hpp>

std::uint64_t fib_alone(int n) { return n < 2 ? static_cast<std::uint64_t>(n) : fib_alone(n - 1) + fib_alone(n - 2); }

struct Fib {
    std::uint64_t compute(int n, int grain) {
        motet::erase_this(); // when this call has returned
        if (n < 2 || n < grain) return fib_alone(n);
        auto one = motet::chare<Fib>::create().ask<&Fib::compute>(n - 1, grain);
        auto two = motet::chare<Fib>::create().ask<&Fib::compute>(n - 2, grain);
        return one.get() + two.get();
    }
};

int main(int argc, char** argv) {
    return motet::run(argc, argv, [] {
        const auto& given = motet::arguments();
        if (given.size() < 2 || given.size() > 3) throw std::invalid_argument("usage: fib N [GRAIN]");
        const int n = number(given[1], "N", 0, 93);
        const int grain = given.size() == 3 ? number(given[2], "GRAIN", 0, 93) : 20;
        motet::print("fib({}) = {}", n, motet::chare<Fib>::create().ask<&Fib::compute>(n, grain).get());
    });
}
