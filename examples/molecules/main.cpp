// SPDX-License-Identifier: BSL-1.0
#include "arguments.hpp"
#include "simulate.hpp"

#include <motet/motet.hpp>

#include <algorithm>
#include <cstdio>

using namespace molecules;

int main(int argc, char** argv) {
    return motet::run(argc, argv, [] {
        return report_problems("molecules", [] {
            const auto chosen = arguments::parse(motet::arguments());
            if (chosen.help) return void(std::fputs(usage, stdout));
            const auto system = system_of(chosen);
            // Few large cells send the least; four or more on a PE give it something to do while it waits for others.
            const double share =
                static_cast<double>(system.atoms.size()) / (4 * static_cast<double>(motet::pe_count()));
            simulate(chosen, system, std::clamp(share, 150.0, 4000.0));
        });
    });
}
