// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "piece.hpp"
#include "tipsy.hpp"

#include <motet/script.hpp>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <vector>

/// What an analyst calls, as in Salsa (Quinn, Kale, Gioachin and others, 2004). One chare, in which scripts run one
/// after the other; each method asks all pieces and waits for what they come to together. The names of the methods are
/// those of Salsa, and so is their style: its scripts run here.
struct salsa {
    motet::collection<piece> pieces;
    std::int64_t piece_count = 1;
    std::string folder;
    bool loaded = false;
    tipsy::snapshot data{};
    std::set<std::string> groups{};
    std::array<std::set<std::string>, tipsy::families.size()> attributes{};
    bool ended = false;

    /// Loads a snapshot, a file in the folder that --data names; how many particles it has. Groups and attributes that
    /// were made before are gone.
    std::int64_t loadSimulation(const std::string& name);
    /// A group of those particles of another one ("All": all) whose attribute lies from `least` to `most`.
    void createGroup_AttributeRange(const std::string& name, const std::string& parent, const std::string& attribute,
                                    double least, double most);
    void deleteGroup(const std::string& name);
    /// A new attribute of the particles of a family, or of "all": what a Python expression of the others gives, which
    /// are NumPy arrays; NumPy's functions are there by their names: createAttribute("speed", "star",
    /// "sqrt((velocity**2).sum(axis=1))").
    void createAttribute(const std::string& name, const std::string& family, const std::string& expression);

    std::vector<std::string> getGroups() const;
    std::vector<std::string> getFamilies() const;
    std::vector<std::string> getAttributes(const std::string& family) const;
    double getTime() const;

    std::int64_t getNumParticles(const std::string& group, const std::string& family) const;
    /// Of an attribute with three numbers, three sums.
    motet::value getAttributeSum(const std::string& group, const std::string& family,
                                 const std::string& attribute) const;
    /// The least value and the greatest one.
    std::tuple<double, double> getAttributeRange(const std::string& group, const std::string& family,
                                                 const std::string& attribute) const;
    /// How many values lie in each of so many equal parts of what lies between `from` and `to`.
    std::vector<std::int64_t> getHistogram(const std::string& group, const std::string& family,
                                           const std::string& attribute, std::int64_t bins, double from,
                                           double to) const;
    std::tuple<double, double, double> getCenterOfMass(const std::string& group, const std::string& family) const;
    /// Ends the program.
    void quit() { ended = true; }

    bool has_ended() const { return ended; }

    void check_loaded() const {
        if (!loaded) throw motet::error("no simulation is loaded: charm.loadSimulation(name) does it");
    }
    void check_group(const std::string& name) const {
        check_loaded();
        if (!groups.contains(name)) throw motet::error("there is no group " + name + "; there is " + listed(groups));
    }
    /// The number of a family; all of them: how many there are.
    static std::size_t family_named(const std::string& name) {
        for (std::size_t f = 0; f < tipsy::families.size(); ++f)
            if (name == tipsy::families[f].name) return f;
        if (name == "all") return tipsy::families.size();
        throw motet::error("there is no family " + name + "; there is gas, dark, star, and all for all of them");
    }
    std::size_t check_attribute(const std::string& name, const std::string& family) const {
        check_loaded();
        const std::size_t number = family_named(family);
        std::set<std::string> all;
        for (std::size_t f = 0; f < attributes.size(); ++f)
            if (f == number || number == attributes.size()) all.insert(attributes[f].begin(), attributes[f].end());
        if (!all.contains(name))
            throw motet::error(family + " particles have no " + name + "; they have " + listed(all));
        return number;
    }
    static void check_name(const std::string& name) {
        bool good = !name.empty() && (name[0] < '0' || name[0] > '9');
        for (const char c : name)
            good = good && (c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'));
        if (!good) throw motet::error("'" + name + "' is no name: give letters, digits and _, and a letter first");
    }
    /// A text as Python writes it.
    static std::string quoted(const std::string& text) {
        std::string all = "'";
        for (const char c : text)
            if (c == '\n')
                all += "\\n";
            else
                (c == '\'' || c == '\\' ? all += '\\' : all) += c;
        return all + "'";
    }
    static std::string listed(const std::set<std::string>& names) {
        std::string all;
        for (const auto& name : names) all += (all.empty() ? "" : ", ") + name;
        return all;
    }
};

inline std::int64_t salsa::loadSimulation(const std::string& name) {
    const auto header = tipsy::read_header(name.starts_with('/') ? name : folder + "/" + name);
    loaded = false;
    pieces.all<&piece::load>(header, piece_count).get();
    data = header;
    loaded = true;
    groups = {"All"};
    for (std::size_t f = 0; f < attributes.size(); ++f) {
        attributes[f].clear();
        for (const auto& each : tipsy::families[f].attributes) attributes[f].emplace(each.name);
    }
    return data.counts[0] + data.counts[1] + data.counts[2];
}

inline void salsa::createGroup_AttributeRange(const std::string& name, const std::string& parent,
                                              const std::string& attribute, double least, double most) {
    check_name(name);
    check_group(parent);
    check_attribute(attribute, "all");
    if (name == "All") throw motet::error("the group All has all particles, always: choose another name");
    pieces.all<&piece::group_by_range>(name, parent, attribute, least, most).get();
    groups.insert(name);
}

inline void salsa::deleteGroup(const std::string& name) {
    check_group(name);
    if (name == "All") throw motet::error("the group All stays");
    pieces.all<&piece::drop_group>(name).get();
    groups.erase(name);
}

inline void salsa::createAttribute(const std::string& name, const std::string& family, const std::string& expression) {
    check_loaded();
    check_name(name);
    const std::size_t number = family_named(family);
    for (std::size_t f = 0; f < attributes.size(); ++f) {
        if (f != number && number != attributes.size()) continue;
        if (attributes[f].contains(name))
            throw motet::error(std::string(tipsy::families[f].name) + " particles have a " + name + " already");
        pieces.all<&piece::add_attribute>(name, f).get();
        const auto outcomes = motet::run_script(pieces, {.code = R"py(
import builtins, numpy
class names(dict):
    def __missing__(self, name):
        try: return getattr(self["particles"], name)
        except AttributeError:
            if hasattr(numpy, name): return getattr(numpy, name)
            if hasattr(builtins, name): raise KeyError(name)
            raise
def make(particles):
    setattr(particles, NAME, eval(EXPRESSION, {}, names(particles=particles)))
)py" + std::string("NAME = ") + quoted(name) +
                                                                 "\nEXPRESSION = " + quoted(expression),
                                                         .iterate = true,
                                                         .vectorized = true,
                                                         .method = "make",
                                                         .over = "All." + std::string(tipsy::families[f].name)})
                                  .get();
        for (const auto& each : outcomes)
            if (each.failed()) {
                pieces.all<&piece::drop_attribute>(name, f).get();
                throw motet::error(each.error_type + ": " + each.error);
            }
        attributes[f].insert(name);
    }
}

inline std::vector<std::string> salsa::getGroups() const {
    check_loaded();
    return {groups.begin(), groups.end()};
}
inline std::vector<std::string> salsa::getFamilies() const {
    std::vector<std::string> all;
    for (const auto& family : tipsy::families) all.emplace_back(family.name);
    return all;
}
inline std::vector<std::string> salsa::getAttributes(const std::string& family) const {
    check_loaded();
    const std::size_t number = family_named(family);
    std::set<std::string> all;
    for (std::size_t f = 0; f < attributes.size(); ++f)
        if (f == number || number == attributes.size()) all.insert(attributes[f].begin(), attributes[f].end());
    return {all.begin(), all.end()};
}
inline double salsa::getTime() const {
    check_loaded();
    return data.time;
}

inline std::int64_t salsa::getNumParticles(const std::string& group, const std::string& family) const {
    check_group(group);
    return pieces.reduce<&piece::count>(motet::sum, group, family_named(family)).get();
}

inline motet::value salsa::getAttributeSum(const std::string& group, const std::string& family,
                                           const std::string& attribute) const {
    check_group(group);
    const std::size_t number = check_attribute(attribute, family);
    const auto all = pieces.reduce<&piece::sum>(motet::sum, group, number, attribute, "").get();
    if (attribute != "position" && attribute != "velocity") return {all[1]};
    return {motet::value::tuple{{{all[1]}, {all[2]}, {all[3]}}}};
}

inline std::tuple<double, double> salsa::getAttributeRange(const std::string& group, const std::string& family,
                                                           const std::string& attribute) const {
    check_group(group);
    const std::size_t number = check_attribute(attribute, family);
    auto least = pieces.reduce<&piece::least>(motet::min, group, number, attribute);
    auto most = pieces.reduce<&piece::most>(motet::max, group, number, attribute);
    const std::tuple found(least.get(), most.get());
    if (std::get<0>(found) > std::get<1>(found))
        throw motet::error("no particle of " + group + " that is " + family + " has one number as its " + attribute);
    return found;
}

inline std::vector<std::int64_t> salsa::getHistogram(const std::string& group, const std::string& family,
                                                     const std::string& attribute, std::int64_t bins, double from,
                                                     double to) const {
    check_group(group);
    const std::size_t number = check_attribute(attribute, family);
    if (bins < 1 || bins > 1000000) throw motet::error("a histogram has from 1 to 1,000,000 bins");
    if (!(from < to)) throw motet::error("a histogram goes from a number to a greater one");
    return pieces
        .reduce<&piece::histogram>(motet::sum, group, number, attribute, static_cast<std::size_t>(bins), from, to)
        .get();
}

inline std::tuple<double, double, double> salsa::getCenterOfMass(const std::string& group,
                                                                 const std::string& family) const {
    check_group(group);
    const auto all = pieces.reduce<&piece::sum>(motet::sum, group, family_named(family), "position", "mass").get();
    if (all[0] == 0) throw motet::error("no particle of " + group + " is " + family + ": they have no centre");
    return {all[1] / all[0], all[2] / all[0], all[3] / all[0]};
}

MOTET_SCRIPT(salsa, loadSimulation, createGroup_AttributeRange, deleteGroup, createAttribute, getGroups, getFamilies,
             getAttributes, getTime, getNumParticles, getAttributeSum, getAttributeRange, getHistogram, getCenterOfMass,
             quit)
