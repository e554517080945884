// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "lennard_jones.hpp"
#include "line_reader.hpp"
#include "particle_system.hpp"
#include "vec3.hpp"

#include <motet/error.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace molecules {

/// Reads a LAMMPS data file (`atom_style atomic`, lj units, an orthogonal periodic box), as `write_data` writes it.
/// Coefficients may be in the file or not: then, and for the cutoff that `Pair Coeffs` leaves out, those of `defaults`
/// hold. Atoms outside the box are wrapped into it; image flags are checked and dropped; without velocities the atoms
/// are at rest. Format: the LAMMPS manual, "read_data".
class lammps_data_reader {
public:
    /// `name` is what error messages call the text.
    lammps_data_reader(std::string name, std::string_view content, const lj_parameters& defaults)
        : in(std::move(name), content), parameters(defaults) {}

    /// Throws data_file_error.
    particle_system read() {
        if (!in.next_line()) in.fail("the file is empty");
        // The first line is a comment, whatever it says.
        read_header();
        while (in.fields.size() > 0) read_section();
        check_complete();
        return std::move(system);
    }

private:
    /// Lines of counts and box edges, until the first section.
    void read_header() {
        while (in.next_words()) {
            if (is_section()) return;
            const auto what = joined({in.fields.begin() + 1, in.fields.end()});
            if (in.fields.size() == 4 && box_edge()) continue;
            if (what == "atoms")
                set_count(atom_count);
            else if (what == "atom types")
                set_count(type_count);
            else if (what.ends_with("xy xz yz"))
                in.fail("a triclinic box: only orthogonal boxes are read");
            else if (known_zero(what)) {
                if (in.number<std::int64_t>(in.fields[0], "a count") != 0)
                    in.fail("the file has " + what + ": only atom_style atomic is read");
            } else
                in.fail("unknown header line " + quoted(joined(in.fields)));
        }
        in.fail("the file ends before its first section");
    }

    static bool known_zero(std::string_view what) {
        for (std::string_view of : {"bond", "angle", "dihedral", "improper"})
            if (what.starts_with(of)) return true;
        return what == "ellipsoids" || what == "lines" || what == "triangles" || what == "bodies";
    }

    bool is_section() const { return (in.fields[0][0] >= 'A' && in.fields[0][0] <= 'Z'); }

    void set_count(std::optional<std::size_t>& count) {
        if (count) in.fail("the number of " + joined({in.fields.begin() + 1, in.fields.end()}) + " is given twice");
        count = in.number<std::size_t>(in.fields[0], "a count");
    }

    bool box_edge() {
        constexpr std::array<std::string_view, 3> axes = {"x", "y", "z"};
        const std::array<double*, 3> low = {&system.domain.low.x, &system.domain.low.y, &system.domain.low.z};
        const std::array<double*, 3> high = {&system.domain.high.x, &system.domain.high.y, &system.domain.high.z};
        for (std::size_t d = 0; d < 3; ++d) {
            if (in.fields[2] != std::string(axes[d]) + "lo" || in.fields[3] != std::string(axes[d]) + "hi") continue;
            if (edges[d]) in.fail("the edges of the box along " + std::string(axes[d]) + " are given twice");
            *low[d] = in.number<double>(in.fields[0], "the low edge of the box");
            *high[d] = in.number<double>(in.fields[1], "the high edge of the box");
            if (!(*low[d] < *high[d])) in.fail("the box has no extent along " + std::string(axes[d]));
            if (!std::isfinite(*high[d] - *low[d])) in.fail("the box is too large along " + std::string(axes[d]));
            edges[d] = true;
            return true;
        }
        return false;
    }

    /// The current line names a section.
    void read_section() {
        const auto name = joined(in.fields);
        const auto style = joined(in.comment);
        if (sections.empty()) start_sections();
        if (std::ranges::find(sections, name) != sections.end()) in.fail("a second section " + quoted(name));
        sections.push_back(name);
        given_pairs.assign(types() * types(), false);
        if (name == "Masses")
            rows(name, types(), &lammps_data_reader::mass_row);
        else if (name == "Pair Coeffs") {
            need_style(style, "lj/cut");
            rows(name, types(), &lammps_data_reader::pair_row);
            system.interactions = lj_table::mixed(of_type);
        } else if (name == "PairIJ Coeffs") {
            need_style(style, "lj/cut");
            rows(name, types() * (types() + 1) / 2, &lammps_data_reader::pair_ij_row);
        } else if (name == "Atoms")
            need_style(style, "atomic"), rows(name, *atom_count, &lammps_data_reader::atom_row);
        else if (name == "Velocities") {
            if (system.atoms.empty()) in.fail("section 'Velocities' comes before section 'Atoms'");
            rows(name, *atom_count, &lammps_data_reader::velocity_row);
        } else
            in.fail("unknown section " + quoted(name) + ": only atom_style atomic with pair_style lj/cut is read");
        in.next_words();
        if (!in.fields.empty() && !is_section())
            in.fail("more lines in section " + quoted(name) + " than the header says");
    }

    void need_style(const std::string& style, std::string_view needed) const {
        if (!style.empty() && style != needed)
            in.fail("style " + quoted(style) + ": only " + std::string(needed) + " is read");
    }

    std::size_t types() const { return system.masses.size(); }

    /// The header is complete.
    void start_sections() {
        if (!atom_count) in.fail("the header does not give the number of atoms");
        if (!type_count) in.fail("the header does not give the number of atom types");
        for (std::size_t d = 0; d < 3; ++d)
            if (!edges[d]) in.fail(std::string("the header does not give the edges of the box along ") + "xyz"[d]);
        if (*atom_count == 0) in.fail("the file has no atoms");
        if (*type_count == 0 || *type_count > 100) in.fail("the number of atom types must be from 1 to 100");
        constexpr std::size_t shortest_line = 10; // "1 1 0 0 0" and its end
        if (*atom_count > in.bytes_left() / shortest_line + 1)
            in.fail("the header promises " + std::to_string(*atom_count) + " atoms, more than the file has room for");
        system.masses.assign(*type_count, 0.0);
        system.interactions = lj_table::mixed(std::vector<lj_parameters>(*type_count, parameters));
        of_type.assign(*type_count, parameters);
        system.atoms.reserve(*atom_count);
    }

    void rows(const std::string& name, std::size_t count, void (lammps_data_reader::*row)()) {
        for (std::size_t i = 0; i < count; ++i) {
            const auto so_far = [&] { return std::to_string(i) + " of " + std::to_string(count) + " lines"; };
            if (!in.next_words()) in.fail("the file ends in section " + quoted(name) + ", after " + so_far());
            if (is_section()) in.fail("section " + quoted(name) + " ends after " + so_far());
            (this->*row)();
        }
    }

    void need_fields(const char* layout, std::size_t count, std::size_t or_count) const {
        if (in.fields.size() != count && in.fields.size() != or_count)
            in.fail(std::string("expected ") + layout + ", found " + std::to_string(in.fields.size()) + " fields");
    }

    std::size_t type(std::string_view word) const {
        const auto value = in.number<std::int64_t>(word, "an atom type");
        if (value < 1 || value > static_cast<std::int64_t>(types()))
            in.fail("atom type " + std::string(word) + " is not among the " + std::to_string(types()) +
                    " of the header");
        return static_cast<std::size_t>(value - 1);
    }

    void mass_row() {
        need_fields("'type mass'", 2, 2);
        auto& mass = system.masses[type(in.fields[0])];
        if (mass != 0) in.fail("a second mass of atom type " + std::string(in.fields[0]));
        mass = in.number<double>(in.fields[1], "a mass");
        if (!(mass > 0)) in.fail("mass " + quoted(in.fields[1]) + " is not positive");
    }

    lj_parameters lj_fields(std::size_t first) const {
        auto result = parameters;
        result.epsilon = in.number<double>(in.fields[first], "epsilon");
        result.sigma = in.number<double>(in.fields[first + 1], "sigma");
        if (in.fields.size() > first + 2) result.cutoff = in.number<double>(in.fields[first + 2], "a cutoff");
        if (result.epsilon < 0 || result.sigma < 0) in.fail("epsilon and sigma must not be negative");
        if (!(result.cutoff > 0)) in.fail("cutoff " + quoted(in.fields[first + 2]) + " is not positive");
        return result;
    }

    void pair_row() {
        need_fields("'type epsilon sigma [cutoff]'", 3, 4);
        const auto a = type(in.fields[0]);
        first_time(a, a);
        of_type[a] = lj_fields(1);
    }

    void pair_ij_row() {
        need_fields("'type type epsilon sigma [cutoff]'", 4, 5);
        const auto a = type(in.fields[0]), b = type(in.fields[1]);
        first_time(std::min(a, b), std::max(a, b));
        system.interactions.set(a, b, lj_fields(2));
    }

    void first_time(std::size_t a, std::size_t b) {
        auto given = given_pairs[a * types() + b];
        if (given) in.fail("coefficients given twice: " + quoted(joined(in.fields)));
        given = true;
    }

    vec3 three(std::size_t first, const char* what) const {
        return {in.number<double>(in.fields[first], what), in.number<double>(in.fields[first + 1], what),
                in.number<double>(in.fields[first + 2], what)};
    }

    void atom_row() {
        need_fields("'id type x y z' or 'id type x y z ix iy iz'", 5, 8);
        const auto id = in.number<std::int64_t>(in.fields[0], "an atom id");
        if (id < 1) in.fail("atom id " + std::to_string(id) + " is not positive");
        if (!place_of.emplace(id, system.atoms.size()).second) in.fail("a second atom " + std::to_string(id));
        for (auto i = in.fields.begin() + 5; i < in.fields.end(); ++i) in.number<int>(*i, "an image flag");
        const vec3 position = system.domain.wrap(three(2, "a coordinate"));
        system.atoms.push_back({position, {}, id, static_cast<std::int32_t>(type(in.fields[1]))});
    }

    void velocity_row() {
        need_fields("'id vx vy vz'", 4, 4);
        const auto id = in.number<std::int64_t>(in.fields[0], "an atom id");
        const auto place = place_of.find(id);
        if (place == place_of.end())
            in.fail("a velocity for atom " + std::to_string(id) + ", which is not there or has one");
        system.atoms[place->second].velocity = three(1, "a velocity");
        place_of.erase(place);
    }

    void check_complete() const {
        if (system.atoms.empty()) in.fail("the file ends without a section 'Atoms'");
        for (std::size_t t = 0; t < types(); ++t)
            if (system.masses[t] == 0) in.fail("the file gives no mass of atom type " + std::to_string(t + 1));
    }

    line_reader in;
    lj_parameters parameters;

    std::optional<std::size_t> atom_count, type_count;
    std::array<bool, 3> edges{};
    std::vector<std::string> sections; // seen so far
    std::vector<lj_parameters> of_type;
    std::vector<bool> given_pairs;                          // in this section
    std::unordered_map<std::int64_t, std::size_t> place_of; // of the atoms that have no velocity yet, by id
    particle_system system;
};

/// Reads the data file at `path`; throws data_file_error.
inline particle_system read_lammps_data(const std::string& path, const lj_parameters& defaults = {}) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw motet::error("cannot open the data file '" + path + "': check the path and its permissions");
    std::string content;
    try {
        content.assign(std::istreambuf_iterator<char>(file), {});
    } catch (const std::ios_base::failure&) { // a folder, or a disk that fails
        throw motet::error("cannot read the data file '" + path + "': it is no file, or could not be read to its end");
    }
    return lammps_data_reader(path, content, defaults).read();
}

} // namespace molecules
