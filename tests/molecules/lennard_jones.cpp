// SPDX-License-Identifier: BSL-1.0
#include "../../examples/molecules/lattice.hpp"
#include "../../examples/molecules/lennard_jones.hpp"
#include "../../examples/molecules/serial_dynamics.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <unordered_map>

using namespace molecules;

namespace {

/// A lattice of two kinds of atoms, shaken.
particle_system mixture(int cells, double density, double shake) {
    auto system = fcc_lattice(cells, density);
    system.masses = {1, 2};
    system.interactions = lj_table::mixed(std::vector<lj_parameters>{{1, 1, 2.5}, {0.6, 0.85, 2.2}});
    random_numbers random(1);
    for (auto& a : system.atoms) {
        a.type = static_cast<std::int32_t>(random.next() * 2);
        a.position += shake * vec3{random.next() - 0.5, random.next() - 0.5, random.next() - 0.5};
        a.position = system.domain.wrap(a.position);
    }
    return system;
}

struct direct_result {
    std::vector<vec3> forces;
    pair_sums sums;
};

/// Every pair and every image within reach, one by one.
direct_result directly(const particle_system& system) {
    direct_result result{std::vector<vec3>(system.atoms.size()), {}};
    const double length = system.domain.size().x;
    const int images = static_cast<int>(system.interactions.longest_cutoff() / length) + 1;
    for (std::size_t i = 0; i < system.atoms.size(); ++i)
        for (std::size_t j = 0; j < system.atoms.size(); ++j)
            for (int image = 0; image < (2 * images + 1) * (2 * images + 1) * (2 * images + 1); ++image) {
                const int width = 2 * images + 1;
                const vec3 shift{length * (image / (width * width) - images), length * (image / width % width - images),
                                 length * (image % width - images)};
                const auto& a = system.atoms[i];
                const auto& b = system.atoms[j];
                const vec3 d = a.position - b.position + shift;
                const auto& p =
                    system.interactions.pairs[std::size_t(a.type) * system.interactions.types + std::size_t(b.type)];
                const double r2 = dot(d, d);
                if (r2 == 0 || r2 >= p.cutoff * p.cutoff) continue;
                const double s6 = std::pow(p.sigma * p.sigma / r2, 3);
                const double force_over_r = 24 * p.epsilon * (2 * s6 * s6 - s6) / r2;
                result.forces[i] += force_over_r * d;
                result.sums.energy += 2 * p.epsilon * (s6 * s6 - s6); // half: each pair is met twice
                result.sums.virial += force_over_r * r2 / 2;
            }
    return result;
}

void check_against_direct(const particle_system& system) {
    const auto expected = directly(system);
    const serial_dynamics dynamics(system);
    const auto state = dynamics.state();
    const auto n = static_cast<double>(system.atoms.size());
    CHECK(state.pair_energy * n == doctest::Approx(expected.sums.energy).epsilon(1e-12));
    CHECK(state.pressure * 3 * system.domain.volume() ==
          doctest::Approx(kinetic_sum(system) + expected.sums.virial).epsilon(1e-12));
    double worst = 0;
    std::size_t met = 0;
    for (const auto& c : dynamics.all_cells())
        for (std::size_t i = 0; i < c.size(); ++i, ++met) {
            const vec3 wanted = expected.forces[static_cast<std::size_t>(c.ids[i] - 1)];
            const vec3 off = c.forces[i] - wanted;
            worst = std::max(worst, dot(off, off) / (1 + dot(wanted, wanted)));
        }
    CHECK(met == system.atoms.size());
    CHECK(std::sqrt(worst) < 1e-12);
}

} // namespace

TEST_CASE("forces, energy and virial are those of all pairs, one by one") {
    SUBCASE("one cell that is its own neighbour on every side") { check_against_direct(mixture(2, 0.8442, 0.3)); }
    SUBCASE("two cells along each edge") { check_against_direct(mixture(4, 0.8442, 0.3)); }
    SUBCASE("three cells along each edge") { check_against_direct(mixture(8, 0.8442, 0.3)); }
    SUBCASE("so dense that rows of neighbours are split") {
        auto dense = mixture(5, 4, 0.05);
        for (auto& pair : dense.interactions.pairs) pair.cutoff = 2.9, pair.sigma *= 0.6;
        const auto list = find_neighbours({}, {}, {}, true, dense.interactions.reach(0), 2);
        CHECK(list.rows.empty());
        check_against_direct(dense);
    }
    SUBCASE("gas: most cells are empty") { check_against_direct(mixture(4, 0.002, 8)); }
}

TEST_CASE("a row longer than the kernel's buffers is split") {
    neighbour_list list;
    std::vector<std::uint32_t> partners(2 * neighbour_list::longest_row + 1);
    list.add_row(3, 0, partners);
    list.add_row(4, 0, {});
    REQUIRE(list.rows.size() == 3);
    CHECK(list.rows[0].end == neighbour_list::longest_row);
    CHECK(list.rows[2].end == partners.size());
    CHECK(list.rows[2].atom == 3);
}

TEST_CASE("a pair beyond the cutoff by a hair, and within") {
    for (const double distance : {2.4999999, 2.5, 2.5000001}) {
        particle_system pair{{{}, {12, 12, 12}}, {1.0}, lj_table{1, {{}}}, {}};
        pair.atoms = {{{1, 1, 1}, {}, 1, 0}, {{1 + distance, 1, 1}, {}, 2, 0}};
        CHECK((serial_dynamics(pair).state().pair_energy != 0) == (distance < 2.5));
    }
}

TEST_CASE("a box shorter than the reach is refused") {
    CHECK_THROWS_WITH_AS(serial_dynamics(fcc_lattice(1)), doctest::Contains("shorter than cutoff + skin"),
                         motet::error);
}

TEST_CASE("a box as long and thin as a double can say") {
    particle_system needle{{{}, {1e200, 3, 3}}, {1.0}, lj_table{1, {{}}}, {}};
    needle.atoms = {{{1, 1, 1}, {}, 1, 0}, {{2.5, 1, 1}, {}, 2, 0}};
    const double inverse6 = std::pow(1.5, -6);
    CHECK(serial_dynamics(needle).state().pair_energy == doctest::Approx(2 * (inverse6 * inverse6 - inverse6)));
}

TEST_CASE("momentum is conserved, no atom is lost") {
    auto system = mixture(4, 0.8442, 0);
    set_temperature(system, 2.0, 3);
    serial_dynamics dynamics(system);
    dynamics.run(200);
    vec3 momentum;
    std::unordered_map<std::int64_t, int> seen;
    for (const auto& c : dynamics.all_cells())
        for (std::size_t i = 0; i < c.size(); ++i) {
            momentum += system.masses[std::size_t(c.types[i])] * c.velocities[i];
            ++seen[c.ids[i]];
        }
    CHECK(seen.size() == system.atoms.size());
    CHECK(dot(momentum, momentum) < 1e-16);
}

TEST_CASE("an atom that flies away is named") {
    auto system = fcc_lattice(6);
    system.atoms[41].velocity = {1e6, 0, 0};
    serial_dynamics dynamics(system);
    CHECK_THROWS_WITH_AS(dynamics.run(20), doctest::Contains("has left its cell"), motet::error);
}
