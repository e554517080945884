// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/motet.hpp>

namespace motet_test {

/// Two calls of `take` satisfy each other's wait, again and again, without any message.
struct takes_turns {
    int turn = 0;
    int rounds = 0;
    bool over = false;

    void take(int own) {
        while (!over) {
            motet::wait([&] { return turn == own || over; });
            motet::charge(1e-6); // time passes in a simulated run, too
            ++rounds;
            turn = 1 - own;
        }
    }
    int count() const { return rounds; }
    void stop() { over = true; }
};

} // namespace motet_test
