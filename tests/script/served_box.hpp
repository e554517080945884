// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script.hpp>

#include <cstdint>
#include <stdexcept>
#include <vector>

/// What the tests of the desk and of the service serve.
namespace served_test {

struct box {
    std::int64_t number = 5;
    bool go = false;
    std::vector<double> numbers{1, 2, 3};
    std::int64_t when_told() {
        motet::wait([&] { return go; });
        return number;
    }
    void tell_it() { go = true; }
    void move(std::uint32_t pe) { motet::move_this(pe); }
    void leave() { motet::erase_this(); }
    std::int64_t get() const { return number; }
    void fail() {
        number = -1;
        throw std::runtime_error("it is all over");
    }
    std::int64_t hops = 0;
    /// Goes around three boxes until one is told.
    void hop() {
        ++hops;
        if (!go) motet::this_collection<box>()[(motet::this_index() + 1) % 3].tell<&box::hop>();
    }
};
MOTET_SCRIPT(box, when_told, move, leave, get, hop)

} // namespace served_test
