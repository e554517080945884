// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/balance/strategy.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <unordered_map>
#include <utility>
#include <vector>

/// A balancing as a problem of graphs, for libraries that solve it: chares are vertices, the messages between two of
/// them an edge, and PEs the parts of about equal load between which few messages shall pass.
namespace motet::inline MOTET_VARIANT::runtime {

/// Chares and their messages in compressed rows, as METIS and Scotch take them. `Number` is the integer of the library.
template <class Number>
struct chare_graph {
    std::vector<std::size_t> chares; ///< places in balancing::chares
    std::vector<Number> loads;       ///< of each, at least 1
    std::vector<Number> first;       ///< neighbour of each, and one behind the last
    std::vector<Number> neighbours;  ///< every edge from both of its ends
    std::vector<Number> messages;    ///< of every edge
    static constexpr double most =
        1 << 27; ///< of the sums of loads and of messages: half of what 32 bits hold, and less

    /// Of all chares, or of those that may move, for so many parts.
    chare_graph(const balancing& all, bool with_pinned, std::size_t parts) {
        std::vector<std::size_t> places(all.chares.size(), all.chares.size());
        for (std::size_t i = 0; i < all.chares.size(); ++i)
            if (with_pinned || all.chares[i].may_move) {
                places[i] = chares.size();
                chares.push_back(i);
            }
        const double share = fair_share(all, parts);
        const double factor = most / (share * static_cast<double>(parts));
        for (const std::size_t i : chares)
            loads.push_back(share > 0 ? in_units(std::min(all.chares[i].load, share), factor) : 1);
        add_edges(all, places);
    }

private:
    /// What each part gets when chares that are more than that have parts of their own. None counts for more: bisection
    /// would put it alone where several parts are to be, and leave those empty.
    double fair_share(const balancing& all, std::size_t parts) const {
        std::vector<double> heavy;
        double rest = 0;
        for (const std::size_t i : chares) {
            heavy.push_back(all.chares[i].load);
            rest += heavy.back();
        }
        std::sort(heavy.begin(), heavy.end(), std::greater<>());
        for (const double each : heavy) {
            if (parts == 1 || each * static_cast<double>(parts) <= rest) break;
            rest = std::max(0.0, rest - each);
            --parts;
        }
        return rest / static_cast<double>(parts);
    }
    static Number in_units(double amount, double factor) {
        return static_cast<Number>(std::max(1.0, std::round(amount * factor)));
    }
    /// By counting, for there are some to each chare: sorting all of them took most of the time beside the library's.
    void add_edges(const balancing& all, const std::vector<std::size_t>& places) {
        struct edge {
            std::size_t to;
            std::uint64_t count;
        };
        const auto for_each_edge = [&](auto&& f) {
            for (const chare_messages& m : all.messages)
                if (const std::size_t from = places[m.from], to = places[m.to];
                    from != to && from != places.size() && to != places.size())
                    f(from, to, m.count);
        };
        // Of the edges of each, which grow from where those before end.
        std::vector<std::size_t> ends(chares.size() + 1);
        double sum = 0;
        for_each_edge([&](std::size_t from, std::size_t to, std::uint64_t count) {
            ++ends[from + 1], ++ends[to + 1];
            sum += static_cast<double>(count);
        });
        std::partial_sum(ends.begin(), ends.end(), ends.begin());
        std::vector<edge> edges(ends.back());
        for_each_edge([&](std::size_t from, std::size_t to, std::uint64_t count) {
            edges[ends[from]++] = {to, count};
            edges[ends[to]++] = {from, count};
        });
        const double factor = std::min(1.0, most / sum);
        auto begin = edges.begin();
        for (std::size_t i = 0; i < chares.size(); ++i) {
            first.push_back(static_cast<Number>(neighbours.size()));
            const auto end = edges.begin() + static_cast<std::ptrdiff_t>(ends[i]);
            std::sort(begin, end, [](const edge& a, const edge& b) { return a.to < b.to; });
            while (begin != end) {
                edge whole = *begin;
                while (++begin != end && begin->to == whole.to) whole.count += begin->count;
                neighbours.push_back(static_cast<Number>(whole.to));
                messages.push_back(in_units(static_cast<double>(whole.count), factor));
            }
        }
        first.push_back(static_cast<Number>(neighbours.size()));
    }
};

/// What is so for every strategy that leaves the work to a library. Each step changes `to` of chares that may move.
class partition {
public:
    static constexpr double tolerance = communication_strategy::tolerance;

    explicit partition(balancing& what) : all(what), pinned_load(static_cast<std::size_t>(what.pes)) {
        pinned.resize(pinned_load.size());
        for (chare_load& c : all.chares) {
            c.to = c.pe;
            sum += c.load;
            movable += c.may_move ? 1 : 0;
            if (c.may_move) continue;
            pinned[static_cast<std::size_t>(c.pe)] = true;
            pinned_load[static_cast<std::size_t>(c.pe)] += c.load;
        }
    }
    /// The libraries are for more chares than PEs, and several for each where what is pinned makes their shares uneven;
    /// what is less is balanced as `communication` does it.
    bool too_small() {
        const std::size_t pes = pinned.size(), each = movable < all.chares.size() ? 4 : 1;
        if (pes > 1 && movable > each * pes) return false;
        if (all.pes > 1) communication_strategy{}(all);
        return true;
    }
    /// How much may be added to a PE; 0: it has its share already, or nearly.
    double room(std::size_t pe) const {
        if (sum <= 0) return 1;
        const double share = sum / static_cast<double>(all.pes), left = share - pinned_load[pe];
        return left > share / 4 ? left : 0;
    }
    void put(const std::vector<std::size_t>& chares, const auto& pe_of) {
        for (std::size_t i = 0; i < chares.size(); ++i)
            if (chare_load& c = all.chares[chares[i]]; c.may_move) c.to = static_cast<std::int64_t>(pe_of(i));
    }
    /// To a library one part is as good as another. They change numbers, but where something is pinned, so that chares
    /// stay where they are, those with the most load first. What is left uneven, as it may be with few chares for each
    /// PE, is refined; and nothing moves at all where that gains nothing.
    void finish() {
        keep_in_place();
        if (all.imbalance() > tolerance) refine();
        if (all.imbalance(&chare_load::pe) > std::max(tolerance, all.imbalance())) return;
        if (static_cast<double>(messages_across(&chare_load::pe)) >
            1.05 * static_cast<double>(messages_across(&chare_load::to)))
            return;
        for (chare_load& c : all.chares) c.to = c.pe;
    }
    /// Between PEs.
    std::uint64_t messages_across(std::int64_t chare_load::*where) const {
        std::uint64_t count = 0;
        for (const chare_messages& m : all.messages)
            if (all.chares[m.from].*where != all.chares[m.to].*where) count += m.count;
        return count;
    }

private:
    void refine() {
        std::vector<std::int64_t> now;
        for (chare_load& c : all.chares) now.push_back(std::exchange(c.pe, c.to));
        refine_strategy{}(all);
        for (std::size_t i = 0; i < now.size(); ++i) all.chares[i].pe = now[i];
    }
    void keep_in_place() {
        struct share {
            double load;
            std::int64_t part, pe;
        };
        const double least = sum > 0 ? 1e-9 * sum / static_cast<double>(all.chares.size()) : 1;
        std::unordered_map<std::int64_t, double> stays; // by part and PE
        for (const chare_load& c : all.chares)
            if (c.may_move && is_free(c.to) && is_free(c.pe)) stays[c.to * all.pes + c.pe] += c.load + least;
        std::vector<share> shares;
        shares.reserve(stays.size());
        for (const auto& [both, load] : stays) shares.push_back({load, both / all.pes, both % all.pes});
        std::sort(shares.begin(), shares.end(), [](const share& a, const share& b) {
            return a.load != b.load ? a.load > b.load : a.part != b.part ? a.part < b.part : a.pe < b.pe;
        });
        std::vector<std::int64_t> number(pinned.size(), -1);
        std::vector<bool> taken = pinned;
        for (const share& each : shares) {
            std::int64_t& now = number[static_cast<std::size_t>(each.part)];
            if (now >= 0 || taken[static_cast<std::size_t>(each.pe)]) continue;
            now = each.pe;
            taken[static_cast<std::size_t>(each.pe)] = true;
        }
        std::size_t next = 0;
        for (std::size_t part = 0; part < number.size(); ++part) {
            if (pinned[part]) number[part] = static_cast<std::int64_t>(part);
            if (number[part] >= 0) continue;
            while (taken[next]) ++next;
            taken[next] = true;
            number[part] = static_cast<std::int64_t>(next);
        }
        for (chare_load& c : all.chares)
            if (c.may_move) c.to = number[static_cast<std::size_t>(c.to)];
    }
    bool is_free(std::int64_t pe) const { return !pinned[static_cast<std::size_t>(pe)]; }

    balancing& all;
    double sum = 0;
    std::size_t movable = 0;
    std::vector<double> pinned_load; ///< by PE
    std::vector<bool> pinned;        ///< whether something is, by PE
};

} // namespace motet::inline MOTET_VARIANT::runtime
