// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "lennard_jones.hpp"
#include "run_settings.hpp"

#include <motet/error.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

namespace molecules {

inline constexpr const char* usage = R"(Usage: molecules DATAFILE [options]
       molecules --lattice NX[,NY,NZ] [options]

Molecular dynamics of a Lennard-Jones liquid, with LAMMPS's thermodynamic output in lj units.

DATAFILE         a LAMMPS data file, atom_style atomic, as write_data writes it
--lattice N      in place of it: a melting fcc crystal of N x N x N (or NX x NY x NZ) unit cells of 4 atoms
--density X        its density (0.8442)
--temperature X    its temperature (1.44)
--seed N           of its velocities (87287)

--steps N        how many steps to run (100)
--thermo N       print the state every N steps (50); 0: at the beginning and the end
--digits N       print N significant digits, as thermo_modify format float %.Ng
--timestep X     (0.005)
--cutoff X       of the interactions, where the data file does not say (2.5)
--skin X         how far neighbour lists reach beyond the cutoff (0.3)
--rebuild N      steps between two rebuilds of the neighbour lists (20)
--cell-atoms N   atoms in a cell, at most (a quarter of those of a PE, from 150 to 4000)
--help           print this and end

Motet's own options (--motet-help prints them) choose PEs, processes and simulation.
)";

/// A command line that cannot be understood.
struct usage_error : motet::error {
    using motet::error::error;
};

struct arguments {
    std::string data_file;
    std::array<int, 3> lattice{}; ///< zeros: there is a data file
    double density = 0.8442, temperature = 1.44;
    std::uint64_t seed = 87287;
    std::int64_t steps = 100, thermo = 50;
    int digits = 0;
    lj_parameters interaction;
    run_settings how;
    double cell_atoms = 0; ///< 0: depends on the number of PEs
    bool help = false;

    /// `words` begins with the program's name. Throws usage_error.
    static arguments parse(const std::vector<std::string>& words) {
        arguments chosen;
        for (std::size_t i = 1; i < words.size(); ++i) {
            const std::string& option = words[i];
            const auto value = [&] {
                if (i + 1 == words.size()) throw usage_error(option + " needs a value after it");
                return words[++i];
            };
            const auto count = [&](auto& to, auto least, auto most) { to = number(option, value(), least, most); };
            constexpr double tiny = std::numeric_limits<double>::min(), huge = 1e100;
            constexpr auto many = std::int64_t{1} << 53;
            if (option == "--help")
                chosen.help = true;
            else if (option == "--lattice")
                chosen.lattice = extent(value());
            else if (option == "--density")
                count(chosen.density, tiny, huge);
            else if (option == "--temperature")
                count(chosen.temperature, 0.0, huge);
            else if (option == "--seed")
                count(chosen.seed, std::uint64_t{0}, ~std::uint64_t{0});
            else if (option == "--steps")
                count(chosen.steps, std::int64_t{0}, many);
            else if (option == "--thermo")
                count(chosen.thermo, std::int64_t{0}, many);
            else if (option == "--digits")
                count(chosen.digits, 1, 17);
            else if (option == "--timestep")
                count(chosen.how.timestep, tiny, huge);
            else if (option == "--cutoff")
                count(chosen.interaction.cutoff, tiny, huge);
            else if (option == "--skin")
                count(chosen.how.skin, 0.0, huge);
            else if (option == "--rebuild")
                count(chosen.how.rebuild_every, std::int64_t{1}, many);
            else if (option == "--cell-atoms")
                count(chosen.cell_atoms, 1.0, huge);
            else if (option.starts_with("-"))
                throw usage_error("unknown option '" + option + "'");
            else if (!chosen.data_file.empty())
                throw usage_error("a second data file: '" + option + "'");
            else
                chosen.data_file = option;
        }
        const bool lattice = chosen.lattice[0] > 0;
        if (!chosen.help && chosen.data_file.empty() && !lattice)
            throw usage_error("nothing to run: name a data file, or give --lattice and a number");
        if (!chosen.data_file.empty() && lattice) throw usage_error("a data file and --lattice exclude each other");
        return chosen;
    }

    /// The number that `text` is, given with `option`. Throws usage_error for anything else.
    template <class Number>
    static Number number(const std::string& option, std::string_view text, Number least, Number most) {
        Number parsed{};
        const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), parsed);
        if (failure == std::errc{} && end == text.data() + text.size() && parsed >= least && parsed <= most)
            return parsed;
        std::string wanted = "a number";
        if (std::is_integral_v<Number>) wanted = "a whole number";
        if (std::is_integral_v<Number> || least == 0)
            wanted += " from " + std::to_string(static_cast<long long>(least)) + " on";
        else
            wanted += " above 0";
        if (option == "--digits") wanted = "a whole number from 1 to 17";
        throw usage_error(option + " " + std::string(text) + ": expected " + wanted);
    }

private:
    static std::array<int, 3> extent(const std::string& text) {
        std::array<int, 3> cells{};
        const char *at = text.data(), *const end = at + text.size();
        std::size_t given = 0;
        for (bool more = true; more && given < 3; ++given) {
            const auto [rest, failure] = std::from_chars(at, end, cells[given]);
            if (failure != std::errc{} || cells[given] < 1 || cells[given] > 500) break;
            more = rest != end && *rest == ',';
            at = more ? rest + 1 : rest;
        }
        if (given == 1) cells[1] = cells[2] = cells[0];
        if (at != end || (given != 1 && given != 3) || text.back() == ',')
            throw usage_error("--lattice " + text +
                              ": expected one or three whole numbers from 1 to 500, such as 20 or 20,20,40");
        return cells;
    }
};

} // namespace molecules
