// SPDX-License-Identifier: BSL-1.0
#include "../../examples/molecules/lattice.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace molecules;

TEST_CASE("a lattice has the density, temperature and momentum asked for") {
    const auto system = fcc_lattice(5, 0.9, 0.7, 42);
    CHECK(system.atoms.size() == 500);
    CHECK(500 / system.domain.volume() == doctest::Approx(0.9));
    CHECK(kinetic_sum(system) / (3 * 500 - 3) == doctest::Approx(0.7).epsilon(1e-12));
    vec3 momentum;
    for (const auto& a : system.atoms) momentum += a.velocity;
    CHECK(dot(momentum, momentum) < 1e-20);
}

TEST_CASE("velocities depend on the seed") {
    CHECK(fcc_lattice(2).atoms[7].velocity == fcc_lattice(2).atoms[7].velocity);
    CHECK(fcc_lattice(2, 0.8442, 1.44, 1).atoms[7].velocity != fcc_lattice(2, 0.8442, 1.44, 2).atoms[7].velocity);
}

TEST_CASE("impossible lattices are refused") {
    CHECK_THROWS_WITH_AS(fcc_lattice(0), doctest::Contains("from 1 to 500"), motet::error);
    CHECK_THROWS_AS(fcc_lattice(501), motet::error);
    CHECK_THROWS_AS(fcc_lattice(3, 0), motet::error);
    CHECK_THROWS_AS(fcc_lattice(3, -1), motet::error);
    CHECK_THROWS_AS(fcc_lattice(3, 0.8442, -1), motet::error);
    CHECK_THROWS_AS(fcc_lattice(3, std::numeric_limits<double>::quiet_NaN()), motet::error);
}
