// SPDX-License-Identifier: BSL-1.0
#include "../../examples/molecules/lammps_data.hpp"
#include "../../examples/molecules/lattice.hpp"
#include "melt.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace molecules;

namespace {

const std::string good = R"(LAMMPS data file via write_data, version 29 Sep 2021, timestep = 300

3 atoms
2 atom types

0 10 xlo xhi
-5 5 ylo yhi
0 10 zlo zhi

Masses

1 1
2 2.5

Pair Coeffs # lj/cut

1 1 1
2 0.25 4

Atoms # atomic

7 1 1 -2 3 0 0 0
3 2 9.5 4 -1 1 -2 0
5 1 5e-1 +0 10 0 0 3

Velocities

3 1 2 3
7 -0.5 0 1e-3
5 0 0 0
)";

particle_system read(const std::string& text) { return lammps_data_reader("melt.data", text, {}).read(); }

/// `good` with the first `from` replaced.
std::string with(const std::string& from, const std::string& to) {
    auto text = good;
    const auto at = text.find(from);
    REQUIRE(at != text.npos);
    return text.replace(at, from.size(), to);
}

void check_refused(const std::string& text, std::size_t line, const std::string& words) {
    CAPTURE(words);
    try {
        read(text);
        FAIL("accepted");
    } catch (const data_file_error& problem) {
        CHECK(problem.line == line);
        const std::string what = problem.what();
        CHECK_MESSAGE(what.starts_with("melt.data:" + std::to_string(line) + ": "), what);
        CHECK_MESSAGE(what.find(words) != what.npos, what);
    }
}

} // namespace

TEST_CASE("a data file is read") {
    const auto system = read(good);
    REQUIRE(system.atoms.size() == 3);
    CHECK(system.domain.low == vec3{0, -5, 0});
    CHECK(system.domain.high == vec3{10, 5, 10});
    CHECK(system.masses == std::vector{1.0, 2.5});
    const auto& [a, b, c] = std::tie(system.atoms[0], system.atoms[1], system.atoms[2]);
    CHECK(a.id == 7);
    CHECK(a.position == vec3{1, -2, 3});
    CHECK(a.velocity == vec3{-0.5, 0, 1e-3});
    CHECK(a.type == 0);
    CHECK(b.id == 3);
    CHECK(b.type == 1);
    CHECK(b.velocity == vec3{1, 2, 3});
    CHECK(b.position == vec3{9.5, 4, 9}); // wrapped into the box
    CHECK(c.position == vec3{0.5, 0, 0});
}

TEST_CASE("coefficients are mixed, set pair by pair, or defaults") {
    const auto mixed = read(good).interactions;
    CHECK(mixed.pairs[1].epsilon == doctest::Approx(0.5));
    CHECK(mixed.pairs[2].sigma == doctest::Approx(2));
    CHECK(mixed.pairs[3].cutoff == 2.5);

    const auto explicit_pairs =
        read(with("Pair Coeffs # lj/cut\n\n1 1 1\n2 0.25 4\n", "PairIJ Coeffs\n\n1 1 1 1 3\n2 1 2 3 4\n2 2 5 6\n"));
    CHECK(explicit_pairs.interactions.pairs[1].epsilon == 2);
    CHECK(explicit_pairs.interactions.pairs[2].sigma == 3);
    CHECK(explicit_pairs.interactions.pairs[2].cutoff == 4);
    CHECK(explicit_pairs.interactions.pairs[3].cutoff == 2.5);
    CHECK(explicit_pairs.interactions.longest_cutoff() == 4);

    const auto none = read(with("Pair Coeffs # lj/cut\n\n1 1 1\n2 0.25 4\n", ""));
    CHECK(none.interactions.pairs[1].epsilon == 1);
}

TEST_CASE("layouts that LAMMPS reads too") {
    CHECK(read(with("0 0 0\n3", "\n3")).atoms.size() == 3);         // no image flags
    CHECK(read(with("Atoms # atomic", "Atoms")).atoms.size() == 3); // no style
    CHECK(read(with("\n2 atom types", "\n2 atom types # two\n0 bonds")).atoms.size() == 3);
    CHECK(read(good.substr(0, good.find("Velocities"))).atoms[2].velocity == vec3{});
    auto dos = good;
    for (std::size_t at = 0; (at = dos.find('\n', at)) != dos.npos; at += 2) dos.replace(at, 1, "\r\n");
    CHECK(read(dos).atoms[1].velocity == vec3{1, 2, 3});
}

TEST_CASE("a malformed header is refused") {
    check_refused("", 1, "the file is empty");
    check_refused("\n\x1b[2J" + std::string(100, 'x') + "\n", 2,
                  "unknown header line '?[2J" + std::string(56, 'x') + "...'");
    check_refused("only a comment\n", 1, "ends before its first section");
    check_refused(with("3 atoms", "3 balls"), 3, "unknown header line '3 balls'");
    check_refused(with("3 atoms", "three atoms"), 3, "expected a count, found 'three'");
    check_refused(with("3 atoms", "-3 atoms"), 3, "found '-3'");
    check_refused(with("3 atoms", "3.5 atoms"), 3, "found '3.5'");
    check_refused(with("3 atoms", "3 atoms\n3 atoms"), 4, "given twice");
    check_refused(with("3 atoms", "99999999999999999999999 atoms"), 3, "out of range");
    check_refused(with("3 atoms", "18446744073709551615 atoms"), 10, "more than the file has room for");
    check_refused(with("3 atoms", "0 atoms"), 10, "no atoms");
    check_refused(with("3 atoms\n", "\n"), 10, "number of atoms");
    check_refused(with("2 atom types\n", "\n"), 10, "number of atom types");
    check_refused(with("2 atom types", "0 atom types"), 10, "from 1 to 100");
    check_refused(with("2 atom types", "2 atom types\n8 bonds"), 5, "only atom_style atomic");
    check_refused(with("-5 5 ylo yhi", "-5 5 ylo yhi\n-5 6 ylo yhi"), 8, "edges of the box along y are given twice");
    check_refused(with("-5 5 ylo yhi", ""), 10, "edges of the box along y");
    check_refused(with("-5 5 ylo yhi", "5 5 ylo yhi"), 7, "no extent along y");
    check_refused(with("-5 5 ylo yhi", "-inf 5 ylo yhi"), 7, "not finite");
    check_refused(with("-5 5 ylo yhi", "-1e308 1e308 ylo yhi"), 7, "too large along y");
    check_refused(with("-5 5 ylo yhi", "-5 ylo yhi"), 7, "unknown header line");
    check_refused(with("0 10 zlo zhi", "0 10 zlo zhi\n1 0 0 xy xz yz"), 9, "triclinic");
}

TEST_CASE("malformed sections are refused") {
    check_refused(with("Masses", "Bodies"), 10, "unknown section 'Bodies'");
    check_refused(with("Atoms # atomic", "Atoms # full"), 20, "style 'full'");
    check_refused(with("lj/cut", "eam/alloy"), 15, "style 'eam/alloy'");
    check_refused(with("2 2.5", "1 2.5"), 13, "second mass of atom type 1");
    check_refused(with("2 2.5", "2 -2.5"), 13, "not positive");
    check_refused(with("2 2.5", "3 2.5"), 13, "atom type 3 is not among the 2");
    check_refused(with("2 2.5", "2"), 13, "expected 'type mass', found 1 fields");
    check_refused(with("2 2.5\n", ""), 14, "section 'Masses' ends after 1 of 2 lines");
    check_refused(with("2 2.5\n", "2 2.5\n2 2.5\n"), 14, "more lines in section 'Masses'");
    check_refused(with("2 0.25 4", "1 0.25 4"), 18, "given twice");
    check_refused(with("2 0.25 4", "2 0.25 -4"), 18, "must not be negative");
    check_refused(with("2 0.25 4", "2 0.25 4 0"), 18, "cutoff '0' is not positive");
    check_refused(with("7 1 1 -2 3 0 0 0", "7 1 1 -2 3 0 0"), 22, "found 7 fields");
    check_refused(with("7 1 1 -2 3 0 0 0", "7 1 1 -2 x3 0 0 0"), 22, "expected a coordinate, found 'x3'");
    check_refused(with("7 1 1 -2 3 0 0 0", "7 1 1 -2 nan 0 0 0"), 22, "not finite");
    check_refused(with("7 1 1 -2 3 0 0 0", "7 1 1 -2 3e999 0 0 0"), 22, "out of range");
    check_refused(with("7 1 1 -2 3 0 0 0", "7 1 1 -2 3 0 0 0.5"), 22, "expected an image flag, found '0.5'");
    check_refused(with("7 1 1 -2 3 0 0 0", "0 1 1 -2 3 0 0 0"), 22, "atom id 0 is not positive");
    check_refused(with("7 1 1 -2 3 0 0 0", "7 0 1 -2 3 0 0 0"), 22, "atom type 0");
    check_refused(with("3 2 9.5", "7 2 9.5"), 23, "a second atom 7");
    check_refused(with("3 1 2 3", "4 1 2 3"), 28, "a velocity for atom 4");
    check_refused(with("3 1 2 3", "7 1 2 3"), 29, "a velocity for atom 7");
    check_refused(with("3 1 2 3", "3 1 2"), 28, "found 3 fields");
    check_refused(with("5 0 0 0\n", ""), 29, "the file ends in section 'Velocities', after 2 of 3 lines");
    check_refused(good.substr(0, good.size() - 1), 30, "the last line has no end"); // LAMMPS takes it as it is
    check_refused(good + "9 0 0 0\n", 31, "more lines in section 'Velocities'");
    check_refused(good + "\nMasses\n", 32, "a second section 'Masses'");
    check_refused(good.substr(0, good.find("Atoms")), 19, "without a section 'Atoms'");
    const auto masses = good.find("Masses"), coefficients = good.find("Pair");
    check_refused(good.substr(0, masses) + good.substr(coefficients), 25, "no mass of atom type 1");
    check_refused(with("Atoms # atomic", "Velocities\n\n3 1 2 3\nAtoms"), 20, "before section 'Atoms'");
}

TEST_CASE("a file cut or damaged at any byte is read or refused, never worse") {
    std::size_t refused = 0;
    const auto try_read = [&](const std::string& text) {
        try {
            read(text);
        } catch (const data_file_error&) {
            ++refused;
        }
    };
    for (std::size_t length = 0; length < good.size(); ++length) try_read(good.substr(0, length));
    CHECK(refused > good.size() * 8 / 10);
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (const char byte : {'\0', '\n', ' ', '-', '9', 'A', '#', '\xff'}) {
            auto damaged = good;
            damaged[at] = byte;
            try_read(damaged);
        }
    }
}

TEST_CASE("a file that is not there") {
    CHECK_THROWS_WITH_AS(read_lammps_data("no/such.data"),
                         doctest::Contains("cannot open the data file 'no/such.data'"), motet::error);
}

TEST_CASE("the shipped melt is the lattice of LAMMPS") {
    auto melt = read_lammps_data(data_folder() + "melt.data");
    std::ranges::sort(melt.atoms, {}, &atom::id);
    const auto lattice = fcc_lattice(10);
    REQUIRE(melt.atoms.size() == lattice.atoms.size());
    CHECK(melt.domain.high.x == doctest::Approx(lattice.domain.high.x));
    double farthest = 0;
    for (std::size_t i = 0; i < melt.atoms.size(); ++i) {
        REQUIRE(melt.atoms[i].id == lattice.atoms[i].id);
        const vec3 apart = melt.atoms[i].position - lattice.atoms[i].position;
        farthest = std::max(farthest, dot(apart, apart));
    }
    CHECK(farthest < 1e-24);
}
