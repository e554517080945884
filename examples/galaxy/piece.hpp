// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "numbers.hpp"
#include "tipsy.hpp"

#include <motet/script.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// An attribute of the particles of a family, one row of numbers for each.
struct column {
    std::size_t width = 0; ///< 0: it has no values yet
    std::vector<double> numbers;
};
struct family_part {
    std::size_t count = 0;
    std::map<std::string, column> columns;
};
/// The particles of a group, by family.
using member_lists = std::array<std::vector<std::uint32_t>, tipsy::families.size()>;

/// A part of the particles of a snapshot. Scripts iterate over groups in it, as "blackholes" or "blackholes.star", and
/// see the attributes that there are at that moment, as columns or particle by particle.
struct piece {
    std::array<family_part, tipsy::families.size()> families{};
    std::map<std::string, member_lists> groups{};

    /// One particle, in iterate mode.
    struct body {
        piece* of;
        std::size_t family;
        std::uint32_t which;
        motet::value read(const motet::script_path& where) const {
            if (where.is("family")) return {std::string(tipsy::families[family].name)};
            const column& c = of->column_at(family, where);
            return array_of(std::span(c.numbers).subspan(which * c.width, c.width), c.width, true);
        }
        void write(const motet::script_path& where, const motet::value& what) const {
            column& c = of->column_at(family, where);
            const auto given = numbers_in(what);
            if (given.size() != c.width)
                throw std::invalid_argument(
                    fmt::format("{} has {} numbers, and {} are given", where.text(), c.width, given.size()));
            std::copy(given.begin(), given.end(), c.numbers.begin() + static_cast<std::ptrdiff_t>(which * c.width));
        }
    };

    /// The particles of a group, one after the other; in a vectorized request, all at once.
    struct members {
        piece* of;
        std::vector<std::pair<std::size_t, std::vector<std::uint32_t>>> chosen; ///< families, and which of them
        body current{};
        std::size_t list = 0;
        std::size_t at = 0;

        body* next() {
            while (list < chosen.size() && at == chosen[list].second.size()) {
                ++list;
                at = 0;
            }
            if (list == chosen.size()) return nullptr;
            current = {of, chosen[list].first, chosen[list].second[at++]};
            return &current;
        }
        std::size_t count() const {
            std::size_t all = 0;
            for (const auto& [family, which] : chosen) all += which.size();
            return all;
        }
        motet::value read(const motet::script_path& where) const {
            std::vector<double> all;
            std::size_t width = 1;
            for (const auto& [family, which] : chosen) {
                const column& c = of->column_at(family, where);
                width = c.width;
                for (const std::uint32_t i : which)
                    all.insert(all.end(), c.numbers.begin() + static_cast<std::ptrdiff_t>(i * width),
                               c.numbers.begin() + static_cast<std::ptrdiff_t>((i + 1) * width));
            }
            return array_of(all, width);
        }
        /// One row of numbers for each, or one for all; the first values of a new attribute say how wide it is.
        void write(const motet::script_path& where, const motet::value& what) const {
            const auto given = numbers_in(what);
            const auto* array = std::get_if<motet::value::array>(&what.data);
            const std::size_t width =
                array != nullptr && array->shape.size() == 2 ? static_cast<std::size_t>(array->shape[1]) : 1;
            const bool for_all = array == nullptr && given.size() == 1;
            if (!for_all && given.size() != count() * width)
                throw std::invalid_argument(fmt::format("{} particles, and {} values of {}", count(),
                                                        given.size() / std::max<std::size_t>(1, width), where.text()));
            std::size_t next = 0;
            for (const auto& [family, which] : chosen) {
                column& c = of->column_to_fill(family, where, width);
                for (const std::uint32_t i : which)
                    for (std::size_t k = 0; k < c.width; ++k) c.numbers[i * c.width + k] = given[for_all ? 0 : next++];
            }
        }
    };

    std::optional<members> range(const motet::range_request& what) {
        const std::size_t dot = what.over.find('.');
        const auto group = groups.find(what.over.substr(0, dot));
        if (group == groups.end())
            throw motet::no_such_path("there is no group " + what.over.substr(0, dot) + "; there is " + group_names());
        members all{this, {}};
        for (std::size_t f = 0; f < families.size(); ++f)
            if (dot == std::string::npos ? !group->second[f].empty()
                                         : what.over.substr(dot + 1) == tipsy::families[f].name)
                all.chosen.emplace_back(f, group->second[f]);
        if (dot != std::string::npos && all.chosen.empty())
            throw motet::no_such_path("there is no family " + what.over.substr(dot + 1));
        return all;
    }

    // What salsa asks all pieces for. A family is a number; families.size() stands for all of them.

    void load(const tipsy::snapshot& from, std::int64_t pieces);
    void group_by_range(const std::string& name, const std::string& parent, const std::string& attribute, double least,
                        double most);
    void drop_group(const std::string& name) { groups.erase(name); }
    void add_attribute(const std::string& name, std::size_t family) { families[family].columns[name]; }
    void drop_attribute(const std::string& name, std::size_t family) { families[family].columns.erase(name); }
    std::int64_t count(const std::string& group, std::size_t family) const;
    /// The sum of an attribute, number by number; in front of it the sum of the weights, which is the number of
    /// particles or the sum of the attribute `weight`, by which it is multiplied.
    std::vector<double> sum(const std::string& group, std::size_t family, const std::string& attribute,
                            const std::string& weight) const;
    double least(const std::string& group, std::size_t family, const std::string& attribute) const;
    double most(const std::string& group, std::size_t family, const std::string& attribute) const;
    std::vector<std::int64_t> histogram(const std::string& group, std::size_t family, const std::string& attribute,
                                        std::size_t bins, double from, double to) const;

    std::string group_names() const {
        std::string all;
        for (const auto& [name, lists] : groups) all += (all.empty() ? "" : ", ") + name;
        return all.empty() ? "none" : all;
    }
    column& column_at(std::size_t family, const motet::script_path& where) {
        auto& columns = families[family].columns;
        const auto found = where.steps.size() == 1 ? columns.find(where.steps[0].text()) : columns.end();
        if (found == columns.end() || found->second.width == 0)
            throw motet::no_such_path(
                fmt::format("{} particles have no {}", tipsy::families[family].name, where.text()));
        return found->second;
    }
    /// The same, and one that has no values yet gets them.
    column& column_to_fill(std::size_t family, const motet::script_path& where, std::size_t width) {
        auto& columns = families[family].columns;
        const auto made = where.steps.size() == 1 ? columns.find(where.steps[0].text()) : columns.end();
        if (made != columns.end() && made->second.width == 0)
            made->second = {
                width, std::vector<double>(width * families[family].count, std::numeric_limits<double>::quiet_NaN())};
        column& c = column_at(family, where);
        if (c.width != width && width != 1)
            throw std::invalid_argument(
                fmt::format("{} has {} numbers, and {} are given", where.text(), c.width, width));
        return c;
    }
    /// Calls f(family, particle) for the members of a group that are of a family.
    template <class F>
    void for_each(const std::string& group, std::size_t family, F&& f) const {
        const auto found = groups.find(group);
        if (found == groups.end()) throw motet::error("there is no group " + group + "; there is " + group_names());
        for (std::size_t i = 0; i < families.size(); ++i)
            if (family == i || family == families.size())
                for (const std::uint32_t which : found->second[i]) f(i, which);
    }
    /// Calls f(number) for the members that have the attribute.
    template <class F>
    void for_each_number(const std::string& group, std::size_t family, const std::string& attribute, F&& f) const {
        for_each(group, family, [&](std::size_t i, std::uint32_t which) {
            const auto c = families[i].columns.find(attribute);
            if (c != families[i].columns.end() && c->second.width == 1) f(c->second.numbers[which], i, which);
        });
    }
};

inline void piece::load(const tipsy::snapshot& from, std::int64_t pieces) {
    const std::int64_t me = motet::this_index<std::int64_t>();
    groups.clear();
    for (std::size_t f = 0; f < families.size(); ++f) {
        const std::int64_t first = from.counts[f] * me / pieces;
        const std::int64_t count = from.counts[f] * (me + 1) / pieces - first;
        auto columns = tipsy::read_particles(from, f, first, count);
        families[f] = {static_cast<std::size_t>(count), {}};
        const auto& attributes = tipsy::families[f].attributes;
        for (std::size_t a = 0; a < attributes.size(); ++a)
            families[f].columns[std::string(attributes[a].name)] = {attributes[a].width, std::move(columns[a])};
        for (std::uint32_t i = 0; i < count; ++i) groups["All"][f].push_back(i);
    }
    groups["All"]; // also where there are none
}

inline void piece::group_by_range(const std::string& name, const std::string& parent, const std::string& attribute,
                                  double least, double most) {
    member_lists made;
    for_each_number(parent, families.size(), attribute, [&](double n, std::size_t family, std::uint32_t which) {
        if (n >= least && n <= most) made[family].push_back(which);
    });
    groups[name] = std::move(made);
}

inline std::int64_t piece::count(const std::string& group, std::size_t family) const {
    std::int64_t all = 0;
    for_each(group, family, [&](std::size_t, std::uint32_t) { ++all; });
    return all;
}

inline std::vector<double> piece::sum(const std::string& group, std::size_t family, const std::string& attribute,
                                      const std::string& weight) const {
    std::vector<double> all(4);
    for_each(group, family, [&](std::size_t i, std::uint32_t which) {
        const auto c = families[i].columns.find(attribute);
        const auto w = families[i].columns.find(weight);
        if (c == families[i].columns.end() || c->second.width == 0 || c->second.width > 3) return;
        const double by = w == families[i].columns.end() ? 1 : w->second.numbers[which];
        all[0] += by;
        for (std::size_t k = 0; k < c->second.width; ++k)
            all[k + 1] += by * c->second.numbers[which * c->second.width + k];
    });
    return all;
}

inline double piece::least(const std::string& group, std::size_t family, const std::string& attribute) const {
    double found = std::numeric_limits<double>::infinity();
    for_each_number(group, family, attribute,
                    [&](double n, std::size_t, std::uint32_t) { found = std::min(found, n); });
    return found;
}

inline double piece::most(const std::string& group, std::size_t family, const std::string& attribute) const {
    double found = -std::numeric_limits<double>::infinity();
    for_each_number(group, family, attribute,
                    [&](double n, std::size_t, std::uint32_t) { found = std::max(found, n); });
    return found;
}

inline std::vector<std::int64_t> piece::histogram(const std::string& group, std::size_t family,
                                                  const std::string& attribute, std::size_t bins, double from,
                                                  double to) const {
    std::vector<std::int64_t> all(bins);
    for_each_number(group, family, attribute, [&](double n, std::size_t, std::uint32_t) {
        if (!(n >= from && n <= to)) return;
        const double place = std::floor((n - from) / (to - from) * static_cast<double>(bins));
        ++all[std::min(bins - 1, static_cast<std::size_t>(place))]; // the last bin has its upper end
    });
    return all;
}

MOTET_SCRIPT(piece)
