// SPDX-License-Identifier: BSL-1.0
// Two jobs of a pool at once: the program of section III of the CharmPy paper (Galvez, Senthil and Kale, 2018).
#include <motet/motet.hpp>

#include <fmt/format.h>

int f(int x) { return x * x; }

int main(int argc, char** argv) {
    return motet::run(argc, argv, [] {
        auto pool = motet::pool::create();
        const std::int64_t pes = std::min<std::int64_t>(2, motet::pe_count());
        auto f1 = pool.map<&f>({1, 2, 3, 4, 5}, {.pes = pes});
        auto f2 = pool.map<&f>({1, 3, 5, 7, 9}, {.pes = pes});
        motet::print("Final results are [{}] [{}]", fmt::join(f1.get(), ", "), fmt::join(f2.get(), ", "));
    });
}
