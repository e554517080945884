// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/motet.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the random programs are made of: bags of numbers. Each number that is sent has to be found in the end where it
/// belongs, once, whatever moved, was born or ended meanwhile.
namespace random_program {

using number = std::int64_t;
using numbers = std::vector<number>;

inline void must(bool right, const std::string& what) {
    if (!right) throw motet::error("the random program is wrong: " + what);
}

/// SplitMix64, apart from the simulator's own.
struct source {
    std::uint64_t state = 0;
    std::uint64_t operator()() {
        std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    number below(number n) { return static_cast<number>((*this)() % static_cast<std::uint64_t>(n)); }
    bool chance(number percent) { return below(100) < percent; }
};

/// A piece of work that begets others: where, and which, only its seed says.
struct errand {
    std::uint64_t seed = 0;
    number depth = 0;

    std::pair<number, number> place(const numbers& sizes) const {
        source random{seed + 1};
        const number world = random.below(static_cast<number>(sizes.size()));
        return {world, random.below(sizes[static_cast<std::size_t>(world)])};
    }
    std::vector<errand> next() const {
        source random{seed};
        std::vector<errand> all;
        for (number left = depth > 0 ? random.below(4) : 0; left > 0; --left) all.push_back({random(), depth - 1});
        return all;
    }
};

inline number square_slowly(number n) {
    if (n % 3 == 0) motet::yield();
    if (n % 7 == 1) motet::sleep_for(std::chrono::microseconds(n % 20));
    return n * n;
}

/// An element of an array, or a member of a group.
struct bag {
    numbers told;        ///< by messages to this one
    numbers heard;       ///< by messages to all
    number turn = 0;     ///< how many messages with a condition have been let through
    number disorder = 0; ///< what was against the rules
    bool made = false;
    bool busy = false; ///< between two waits

    /// Between two waits a method is alone in its chare.
    struct alone {
        bag& who;
        explicit alone(bag& b) : who(b) {
            who.disorder += who.busy || !who.made;
            who.busy = true;
        }
        alone(const alone&) = delete;
        ~alone() { who.busy = false; }
        template <class Wait>
        void but_in(Wait&& wait) {
            who.busy = false;
            wait();
            who.disorder += who.busy;
            who.busy = true;
        }
    };

    void on(motet::created) {
        if (motet::my_pe() % 3 == 1) motet::yield();
        made = true;
    }
    void on(motet::arrived) {
        if (told.size() % 5 == 4) motet::yield();
        disorder += busy;
    }
    void on(motet::departing) { disorder += busy; }

    void put(number n) {
        const alone here(*this);
        motet::charge(1e-6 * static_cast<double>(n % 5));
        told.push_back(n);
    }
    void put_slowly(number n) {
        alone here(*this);
        here.but_in([&] { motet::sleep_for(std::chrono::microseconds(n % 90)); });
        told.push_back(n);
    }
    void put_to_all(number n) {
        const alone here(*this);
        heard.push_back(n);
    }
    void put_to_all_slowly(number n) {
        alone here(*this);
        here.but_in([&] { motet::sleep_for(std::chrono::microseconds((n + motet::this_index()) % 70)); });
        heard.push_back(n);
    }
    /// Speaks to all itself.
    void shout(motet::collection<bag> all, number n) { all.tell<&bag::put_to_all>(n); }
    number ask(number n) {
        told.push_back(n);
        return n + motet::this_index();
    }
    number ask_slowly(number n) {
        alone here(*this);
        here.but_in([] { motet::yield(); });
        told.push_back(n);
        here.but_in([&] { motet::sleep_for(std::chrono::microseconds(n % 40)); });
        return n + motet::this_index();
    }
    number fail(number n) { throw std::runtime_error("no " + std::to_string(n)); }
    void fulfil(motet::promise<number> what, number n) {
        told.push_back(n);
        motet::yield();
        what.set(n);
    }
    /// Views the message, also after a wait.
    number weigh(std::span<const number> goods) {
        motet::yield();
        return std::accumulate(goods.begin(), goods.end(), number{0});
    }
    void in_turn(number n, number tell) {
        const alone here(*this);
        disorder += n != turn;
        ++turn;
        told.push_back(tell);
    }
    bool when(motet::entry<&bag::in_turn>, number n, number) const { return n <= turn; }
    number after_turns(number n) {
        motet::wait([&] { return turn >= n; });
        return turn;
    }
    bool after_having(number n, number count) {
        told.push_back(n);
        motet::wait([&] { return static_cast<number>(told.size()) >= count; });
        return true;
    }
    /// Passes a number along these (collection, index), to end in the last.
    void pass(std::vector<motet::collection<bag>> worlds, number n, std::vector<std::pair<number, number>> way,
              bool moves) {
        const auto [world, index] = way.front();
        way.erase(way.begin());
        if (way.empty()) return worlds[static_cast<std::size_t>(world)][index].tell<&bag::put>(n);
        if (moves && n % 3 == 2) motet::move_this((motet::my_pe() + n) % motet::pe_count());
        if (n % 4 == 1) motet::yield();
        const bool next_moves = world < 3; // see program.hpp: arrays come first
        worlds[static_cast<std::size_t>(world)][index].tell<&bag::pass>(worlds, n, std::move(way), next_moves);
    }
    motet::eventually<number> loop(number n, number left) {
        if (left == 0) {
            told.push_back(n);
            return motet::this_index();
        }
        if (left % 2 == 0) motet::move_this((motet::my_pe() + left + n) % motet::pe_count());
        return motet::next<&bag::loop>(n, left - 1);
    }
    /// Comes to a balancing point `left` times.
    motet::eventually<number> stages(number n, number left) {
        motet::charge(1e-6 * static_cast<double>((n + motet::this_index()) % 7));
        if (left > 0) return motet::balance_next<&bag::stages>(n, left - 1);
        told.push_back(n);
        return motet::this_index();
    }
    void bear(motet::array<bag> where, number index, number n, motet::promise<void> born) {
        auto birth = where.insert(index);
        where[index].tell<&bag::put>(n);
        birth.get();
        born.set();
    }
    void leave() { motet::erase_this(); }

    void give(number n, motet::target<number> to) { motet::contribute(n * motet::this_index() + 1, motet::sum, to); }
    void give_most(number n, motet::target<number> to) { motet::contribute(n + motet::this_index(), motet::max, to); }
    void give_all(motet::target<numbers> to) { motet::contribute(motet::this_index(), motet::gather, to); }
    void give_to_section(motet::section<bag> some, number n, motet::target<number> to) {
        motet::contribute(some, n * motet::this_index() + 1, motet::sum, to);
    }
    /// Only says that it has come.
    void come(motet::target<void> to) { motet::contribute(to); }
    template <class Peer>
    void send_values(motet::element_proxy<Peer, number> peer, number tag, number first, number count) {
        const motet::channel<number> way(peer, static_cast<std::uint64_t>(tag));
        for (number i = 0; i < count; ++i) way.send(first + i);
    }
    template <class Peer>
    number receive_values(motet::element_proxy<Peer, number> peer, number tag, number first, number count) {
        const motet::channel<number> way(peer, static_cast<std::uint64_t>(tag));
        number sum = 0;
        for (number i = 0; i < count; ++i) {
            const number value = way.receive();
            disorder += value != first + i;
            sum += value;
        }
        return sum;
    }
    void visit(motet::activity all, std::vector<motet::collection<bag>> worlds, numbers sizes, number n, errand now) {
        told.push_back(n);
        if (now.seed % 5 == 0) motet::sleep_for(std::chrono::microseconds(now.seed % 20));
        for (const errand& next : now.next()) {
            const auto [world, index] = next.place(sizes);
            all.produce();
            worlds[static_cast<std::size_t>(world)][index]
                .with_priority(static_cast<int>(next.seed % 5) - 2)
                .tell<&bag::visit>(all, worlds, sizes, n, next);
            if (next.seed % 7 == 0) motet::yield();
        }
        all.consume();
    }
    number times(number n) const { return std::count(told.begin(), told.end(), n); }
    /// Calls others, and waits for them.
    number call_section(motet::section<bag> some, number n) {
        some.all<&bag::put>(n).get();
        const numbers all = some.gather<&bag::index>().get();
        const number sum = some.reduce<&bag::index>(motet::sum).get();
        disorder += std::accumulate(all.begin(), all.end(), number{0}) != sum;
        return sum;
    }
    /// The sum of the squares below n: by a loop that the PEs of the process share, and by a pool.
    number share(motet::pool pool, number n, number pes) {
        numbers squares(static_cast<std::size_t>(n)), items = squares;
        std::iota(items.begin(), items.end(), number{0});
        auto same = pool.map<&square_slowly>(items, {.pes = pes, .chunk = 1 + n % 3});
        const auto at = [&](number i) -> number& { return squares[static_cast<std::size_t>(i)]; };
        motet::parallel_for(
            number{0}, n, [&](number i) { at(i) = i * i; }, 1 + n % 7);
        disorder += same.get() != squares;
        return motet::parallel_reduce(number{0}, n, number{0}, at, motet::sum);
    }
    /// Data of several kinds, which wait for their turn.
    number unpack(number after, std::span<const number> goods, std::string_view name,
                  std::shared_ptr<const numbers> more) {
        disorder += after > turn;
        motet::yield();
        number sum = std::accumulate(goods.begin(), goods.end(), number{0});
        sum += std::accumulate(more->begin(), more->end(), number{0}) + std::count(name.begin(), name.end(), 'x');
        told.push_back(sum);
        return sum;
    }
    bool when(motet::entry<&bag::unpack>, number after, std::span<const number> goods, std::string_view name,
              const std::shared_ptr<const numbers>&) const {
        return after <= turn && (goods.empty() || goods.back() == 3) && (name.empty() || name.back() == 'x');
    }
    void break_promise(motet::promise<number> what, number n) { what.fail("no " + std::to_string(n)); }

    number index() const { return motet::this_index(); }
    numbers all_told() const { return told; }
    numbers all_heard() const { return heard; }
    number out_of_order() const { return disorder; }
};

/// An element of an array of two dimensions.
struct plot {
    number sum = 0;
    void add(number n) { sum += n; }
    number get() const { return sum; }
    number place() const {
        const auto [x, y] = motet::this_index<motet::grid<2>>();
        return 10 * x + y;
    }
};

/// A single chare.
struct box {
    number sum = 0;
    number add(number n) {
        motet::yield();
        return sum += n;
    }
    void move(number to) { motet::move_this(to); }
};

/// Places elements from the last PE on.
struct from_the_last {
    number shift = 0;
    number operator()(number index, number pes) const { return pes - 1 - (index + shift) % pes; }
};

} // namespace random_program
