// SPDX-License-Identifier: BSL-1.0
#include "../../examples/molecules/lammps_data.hpp"
#include "../../examples/molecules/serial_dynamics.hpp"
#include "melt.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <unistd.h>
#include <vector>

using namespace molecules;

namespace {

constexpr int logged_digits = 10; // as in.melt asks for

/// As LAMMPS's log, from a run of the same data file.
std::vector<thermo> run(const std::string& data_file, int samples, int every) {
    serial_dynamics dynamics(read_lammps_data(data_file));
    std::vector<thermo> states{dynamics.state()};
    for (int i = 1; i < samples; ++i) dynamics.run(every), states.push_back(dynamics.state());
    return states;
}

void check_close(const thermo& ours, const log_line& lammps, double tolerance) {
    CHECK(std::abs(ours.temperature - lammps.temperature()) <= tolerance * std::abs(lammps.temperature()));
    CHECK(std::abs(ours.pair_energy - lammps.pair_energy()) <= tolerance * std::abs(lammps.pair_energy()));
    CHECK(std::abs(ours.total_energy - lammps.total_energy()) <= tolerance * std::abs(lammps.total_energy()));
    CHECK(std::abs(ours.pressure - lammps.pressure()) <= tolerance * std::abs(lammps.pressure()));
}

constexpr double five_digits = 5e-6;

} // namespace

TEST_CASE("the shipped melt runs as in LAMMPS's log") {
    const auto log = read_log(data_folder() + "melt.log");
    REQUIRE(log.size() == 21);
    const auto ours = run(data_folder() + "melt.data", 21, 50);

    CHECK(ours[0].line(0, logged_digits) == log[0].text);
    check_close(ours[1], log[1], five_digits);
    check_close(ours[2], log[2], five_digits);

    double our_drift = 0, lammps_drift = 0;
    for (std::size_t i = 0; i < log.size(); ++i) {
        our_drift = std::max(our_drift, std::abs(ours[i].total_energy - ours[0].total_energy));
        lammps_drift = std::max(lammps_drift, std::abs(log[i].total_energy() - log[0].total_energy()));
    }
    CHECK(our_drift <= lammps_drift * 1.001); // beyond that the two runs differ by chaos only
    CHECK(std::abs(ours[20].total_energy - ours[0].total_energy) <=
          std::abs(log[20].total_energy() - log[0].total_energy()) * 1.001);
}

TEST_CASE("lines are laid out as LAMMPS's") {
    const thermo state{250, 0.75954471091732, -5.7621762305029, -4.6231439933936, 0.2172997};
    CHECK(thermo::header() == "Step Temp E_pair E_mol TotEng Press ");
    CHECK(state.line() == "     250   0.75954471   -5.7621762            0    -4.623144    0.2172997 ");
}

TEST_CASE("a mixture that LAMMPS has melted just now runs as in its log") {
    if (std::system("command -v lmp > /dev/null 2>&1") != 0) {
        MESSAGE("skipped: lmp is not installed");
        return;
    }
    namespace fs = std::filesystem;
    const auto folder = fs::temp_directory_path() / ("motet-molecules-" + std::to_string(::getpid()));
    fs::create_directories(folder);
    std::ofstream(folder / "in.mixture") << R"(
units lj
atom_style atomic
lattice fcc 0.8442
region box block 0 6 -1 6 0 8
create_box 2 box
create_atoms 1 box
set group all type/fraction 2 0.3 4711
mass 1 1.0
mass 2 2.0
velocity all create 2.5 87287 loop geom
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0
pair_coeff 2 2 0.7 0.9
fix 1 all nve
run 300
write_data mixture.data
write_data explicit.data pair ij
label each_file
variable name index mixture explicit
clear
log ${name}.log
units lj
atom_style atomic
pair_style lj/cut 2.5
read_data ${name}.data
neighbor 0.3 bin
neigh_modify delay 0 every 20 check no
fix 1 all nve
thermo 50
thermo_modify format float %.10g
run 100
next name
jump SELF each_file
)";
    const auto command =
        "cd " + folder.string() + " && OMP_NUM_THREADS=1 lmp -in in.mixture -log none -screen none > /dev/null 2>&1";
    REQUIRE(std::system(command.c_str()) == 0);

    for (const std::string name : {"mixture", "explicit"}) {
        const auto log = read_log((folder / (name + ".log")).string());
        REQUIRE(log.size() == 3);
        const auto ours = run((folder / (name + ".data")).string(), 3, 50);
        CHECK(ours[0].line(0, logged_digits) == log[0].text);
        check_close(ours[1], log[1], five_digits);
        check_close(ours[2], log[2], five_digits);
    }
    fs::remove_all(folder);
}
