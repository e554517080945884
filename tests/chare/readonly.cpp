// SPDX-License-Identifier: BSL-1.0
#include "runs.hpp"

#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

using namespace motet_test;

namespace readonly_test {

struct config {
    int size = 0;
    std::vector<double> weights;
    std::string name;
};
struct other {
    int value = 0;
};
struct reader {
    int value = 0;
    double read(std::int64_t i) const {
        const auto& c = motet::readonly<config>();
        return c.weights[static_cast<std::size_t>(i)] * c.size + static_cast<double>(c.name.size());
    }
    int read_other() const { return motet::readonly<other>().value; }
    double read_plain() const {
        const auto& all = motet::readonly<std::vector<double>>();
        return std::accumulate(all.begin(), all.end(), 0.0) + motet::readonly<std::uint16_t>();
    }
    std::string unset() const {
        return thrown_by([] { motet::readonly<int>(); });
    }
    std::string set_here() const {
        return thrown_by([] { motet::set_readonly(other{3}); });
    }
    /// The process belongs to it: two processes may well hold their copies at the same address.
    std::pair<std::int64_t, std::int64_t> place() const {
        return {motet::my_process(), reinterpret_cast<std::int64_t>(&motet::readonly<config>())};
    }
};

} // namespace readonly_test

using namespace readonly_test;

TEST_CASE("read-only data is set once in main and read everywhere") {
    everywhere([] {
        motet::set_readonly(config{2, {0.5, 1.5}, "abc"});
        motet::set_readonly(other{8});
        motet::set_readonly(other{9});                     // the later one counts
        motet::set_readonly(std::vector<double>{1, 2, 4}); // no struct needed
        motet::set_readonly(std::uint16_t{5});
        CHECK(motet::readonly<config>().size == 2);
        const auto readers = motet::group<reader>::create();
        for (const double each : readers.gather<&reader::read>(std::int64_t{1}).get()) CHECK(each == 6);
        CHECK(readers.reduce<&reader::read_other>(motet::sum).get() == 9 * motet::pe_count());
        for (const double each : readers.gather<&reader::read_plain>().get()) CHECK(each == 12);
        CHECK(contains(readers[0].ask<&reader::unset>().get(), "motet::readonly<int>: nothing was set"));
        CHECK(contains(readers[0].ask<&reader::set_here>().get(), "must be called in main, before the first chare"));
        CHECK(contains(thrown_by([] { motet::set_readonly(other{1}); }), "before the first chare is created"));
        const auto places = readers.reduce<&reader::place>(motet::set).get();
        CHECK(static_cast<std::int64_t>(places.size()) == motet::process_count()); // one copy in each process
    });
}

TEST_CASE("read-only data lives as long as the run") {
    for (const auto& chosen : some()) {
        run_well(chosen, [] { motet::set_readonly(config{1, {}, ""}); });
        run_well(chosen, [] { CHECK(contains(thrown_by([] { motet::readonly<config>(); }), "nothing was set")); });
    }
    CHECK(contains(thrown_by([] { motet::readonly<config>(); }), "this needs a running program"));
}
