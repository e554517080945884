// SPDX-License-Identifier: BSL-1.0
// A program that clients look into (clients.py), and that goes on whatever they do (bad_luck.py).
#include <motet/script.hpp>

#include <complex>
#include <cstdint>
#include <string>
#include <vector>

namespace scripted {

struct particle {
    double mass = 1;
    std::int32_t kind = 0;
};

struct box {
    std::int64_t number = 5;
    bool go = false;
    std::vector<particle> particles{{1, 0}, {2, 1}};
    std::complex<double> phase{1, 2};
    std::int64_t when_told() {
        motet::wait([&] { return go; });
        return number;
    }
    double twice(double x) const { return 2 * x; }
    void move(std::uint32_t pe) { motet::move_this(pe); }
    void greeted() {}
    void greet() { motet::this_collection<box, motet::grid<2>>()[{0, 0}].tell<&box::greeted>(); }
};
MOTET_SCRIPT(box, when_told, twice, move, greet)

struct keeper {
    bool ended = false;
    void end() { ended = true; }
    void exit(int code) { motet::exit(code); }
    void wait() {
        motet::wait([&] { return ended; });
    }
};
MOTET_SCRIPT(keeper, end, exit)

} // namespace scripted

int main(int argc, char** argv) {
    return motet::run(argc, argv, [] {
        const auto boxes = motet::array<scripted::box, motet::grid<2>>::create({2, 2}, scripted::box{});
        const auto keeper = motet::chare<scripted::keeper>::create(scripted::keeper{});
        motet::serve(boxes, "boxes");
        motet::serve(keeper, "keeper");
        keeper.ask<&scripted::keeper::wait>().get();
        motet::print("ended");
    });
}
