// SPDX-License-Identifier: BSL-1.0
//
// memory: what a PE needs of memory for a program whose share for each PE is the same, on 16, 256 and 4,096 simulated
// processes, and on 16 and 256 of 16 PEs each. Nothing may grow with the job but by its logarithm: trees have a bounded
// number of children, and gossip tells of a bounded number of PEs in each of log2 P steps. Prints bytes for each PE,
// and fails where they grow by more than `for_each_doubling`. Then the same of PEs that are threads of one process,
// before anything runs: what each has for the others is what it uses.
//
// And what a program leaves behind that goes on for days: elements, single chares, activities and broadcasts that
// come and go. Fails where the second half of them needs more memory than the first has left.

#include <motet/motet.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <malloc.h>
#include <string>

namespace {

/// One PE heard of in gossip takes 16 bytes; in each step, of which there is one more for each doubling, two tell of 64
/// (balance/gossip.hpp), in a vector with twice the room.
constexpr double for_each_doubling = 2 * 64 * 16 * 2;

struct Cell {
    std::int64_t sum = 0;
    void add(std::int64_t n) { sum += n; }
    void greet(motet::array<Cell> all, std::int64_t count) {
        motet::charge(1e-6 * static_cast<double>(motet::this_index() / 4 % 8));
        for (const std::int64_t step : {1, 7}) all[(motet::this_index() + step) % count].tell<&Cell::add>(1);
    }
    void go(std::int64_t pes) { motet::move_this((motet::my_pe() + 1) % pes); }
    void give(motet::target<std::int64_t> to) { motet::contribute(sum, motet::sum, to); }
    std::int64_t get() const { return sum; }
};
struct Member {
    std::int64_t value = 1;
    std::int64_t get() const { return value; }
};

void check(bool right) {
    if (!right) throw motet::error("memory: the program is wrong");
}

std::int64_t in_use() { return static_cast<std::int64_t>(mallinfo2().uordblks + mallinfo2().hblkhd); }

/// Bytes for each PE when all is done and nothing has been given back.
double bytes_each(std::int64_t processes, std::int64_t pes_each) {
    const std::string shape = std::to_string(processes) + "x" + std::to_string(pes_each);
    const std::int64_t pes = processes * pes_each;
    std::string words[] = {"memory", "--motet-sim", shape, "--motet-sim-table", "off"};
    char* pointers[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(), words[4].data(), nullptr};
    int count = 5;
    const std::int64_t before = in_use();
    std::int64_t after = 0;
    const int code = motet::run(count, pointers, [&] {
        const std::int64_t cells = 4 * pes;
        const auto all = motet::array<Cell>::create(cells);
        const auto members = motet::group<Member>::create();
        motet::balance_with(all, motet::distributed).get();
        for (int round = 0; round < 3; ++round) {
            all.all<&Cell::greet>(all, cells).get();
            motet::quiescence().get();
            check(members.reduce<&Member::get>(motet::sum).get() == pes);
            auto [sum, to] = motet::make_future<std::int64_t>();
            all.tell<&Cell::give>(to);
            check(sum.get() == 2 * (round + 1) * cells);
            all.all<&Cell::go>(pes).get();
            motet::rebalance(all).get();
        }
        check(all.reduce<&Cell::get>(motet::sum).get() == 6 * cells);
        motet::quiescence().get();
        after = in_use();
    });
    check(code == 0);
    return static_cast<double>(after - before) / static_cast<double>(pes);
}

/// What the PEs of the largest jobs need is bounded by that of the smallest.
bool is_bounded(std::int64_t pes_each, std::initializer_list<std::int64_t> jobs) {
    double before = 0;
    std::int64_t smaller = 0;
    bool bounded = true;
    for (const std::int64_t processes : jobs) {
        const double each = bytes_each(processes, pes_each);
        std::printf("%5lld processes of %2lld PEs: %8.0f bytes for each PE\n", static_cast<long long>(processes),
                    static_cast<long long>(pes_each), each);
        std::fflush(stdout);
        int doublings = 0;
        for (std::int64_t p = smaller; p > 0 && p < processes; p *= 2) ++doublings;
        if (doublings > 0 && each > before + doublings * for_each_doubling) bounded = false;
        before = each, smaller = processes;
    }
    return bounded;
}

/// Bytes for each PE of a process with so many threads, before anything runs.
double bytes_each_thread(std::uint32_t pes) {
    motet::runtime::options chosen;
    chosen.pes = pes;
    const std::int64_t before = in_use();
    const motet::runtime::machine all(chosen, {"memory"});
    const double each = static_cast<double>(in_use() - before) / pes;
    std::printf("%5u threads: %8.0f bytes for each PE\n", pes, each);
    return each;
}

/// Lives for a short time.
struct Visitor {
    motet::activity stay = {};
    void leave(const std::string&) {
        stay.consume();
        motet::erase_this();
    }
    bool is_here() const { return true; }
};

/// So many come and go, the first of them as element `first` of the array.
void come_and_go(const motet::array<Visitor>& all, std::int64_t first, std::int64_t count) {
    constexpr std::int64_t at_once = 1000;
    for (std::int64_t done = 0; done < count; done += at_once) {
        const auto stay = motet::activity::begin();
        const std::string why = "for reasons that take more room than a short text";
        for (std::int64_t i = 0; i < at_once; ++i) {
            stay.produce(2);
            all.insert(first + done + i, Visitor{stay});
            all[first + done + i].tell<&Visitor::leave>(why);
            motet::chare<Visitor>::create({stay}, i % motet::pe_count()).tell<&Visitor::leave>(why);
        }
        stay.completed().get();
        for (int i = 0; i < 100; ++i) {
            const auto short_one = motet::activity::begin();
            short_one.produce();
            short_one.consume();
            short_one.completed().get();
            all.all<&Visitor::is_here>().get();
        }
    }
    motet::quiescence().get();
}

/// Bytes that stay from the second half of a long run, when it has been to where nothing more may come.
std::int64_t bytes_left_behind() {
    char words[][20] = {"memory", "--motet-sim", "2x1", "--motet-sim-table", "off"};
    char* pointers[] = {words[0], words[1], words[2], words[3], words[4], nullptr};
    int count = 5;
    std::int64_t left = 0;
    const int code = motet::run(count, pointers, [&] {
        // A home remembers the last 65,536 that have died; of one collection both PEs are homes.
        constexpr std::int64_t half = 142'000;
        const auto all = motet::array<Visitor>::create();
        come_and_go(all, 0, half);
        const std::int64_t before = in_use();
        come_and_go(all, half, half);
        left = in_use() - before;
        // Those that died lately are known, and any index may be used again.
        try {
            all[2 * half - 1].ask<&Visitor::is_here>().get();
            throw motet::error("memory: one that has died answers");
        } catch (const motet::erased&) {}
        all.insert(0, Visitor{}).get();
        check(all[0].ask<&Visitor::is_here>().get());
    });
    check(code == 0);
    return left;
}

} // namespace

int main() {
    bool bounded = is_bounded(1, {16, 256, 4096});
    bounded = is_bounded(16, {16, 256}) && bounded;
    // 8 bytes for 64 PEs, and what they are for comes with the first message to one of them.
    const double few = bytes_each_thread(64), many = bytes_each_thread(4096);
    if (many > few + 4096 / 64 * 8 + 64) bounded = false;
    if (!bounded) std::printf("a PE needs more the larger the job is\n");
    const std::int64_t left = bytes_left_behind();
    std::printf("what came and went leaves %lld bytes behind\n", static_cast<long long>(left));
    const bool forgotten = left < 200'000;
    if (!forgotten) std::printf("the memory of a long run grows\n");
    return bounded && forgotten ? 0 : 1;
}
