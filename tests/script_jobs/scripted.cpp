// SPDX-License-Identifier: BSL-1.0
// A program that clients look into (clients.py, frozen.py), and that goes on whatever they do (bad_luck.py).
#include <motet/script.hpp>

#include <complex>
#include <cstdint>
#include <stdexcept>
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
    static auto all() { return motet::this_collection<box, motet::grid<2>>(); }
    void fail_later() { all()[motet::this_index<motet::grid<2>>()].tell<&box::fail>(); }
    void fail() {
        number = -1;
        throw std::runtime_error("it is all over");
    }
    /// Asks for a checkpoint, which comes when it can.
    void save(std::string folder) { motet::checkpoint(folder, all().to<&box::nothing>()); }
    void nothing() {}
    void nothing_later() { all()[motet::this_index<motet::grid<2>>()].tell<&box::nothing>(); }
};
MOTET_SCRIPT(box, when_told, twice, move, greet, fail_later, save, nothing_later)

/// Keeps main waiting, without a method that waits: those hold up checkpoints.
struct keeper {
    bool ended = false;
    motet::promise<void> over;
    void end() {
        ended = true;
        over.set();
    }
    void exit(int code) { motet::exit(code); }
    void withdraw_boxes() { motet::withdraw("boxes"); }
    void keep(motet::promise<void> end) { over = end; }
};
MOTET_SCRIPT(keeper, end, exit, withdraw_boxes)

} // namespace scripted

int main(int argc, char** argv) {
    return motet::run(argc, argv, [] {
        const auto boxes = motet::array<scripted::box, motet::grid<2>>::create({2, 2}, scripted::box{});
        const auto keeper = motet::chare<scripted::keeper>::create(scripted::keeper{});
        motet::serve(boxes, "boxes");
        motet::serve(keeper, "keeper");
        auto [over, end] = motet::make_future<void>();
        keeper.ask<&scripted::keeper::keep>(end).get();
        over.get();
        motet::print("ended");
    });
}
