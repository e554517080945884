// SPDX-License-Identifier: BSL-1.0
#include <motet/trace/clock.hpp>

#include <doctest/doctest.h>

#include <vector>

using namespace motet::trace;

namespace {

TEST_CASE("of many answers the quickest one tells the other clock") {
    // The other clock is 100 s ahead. One way may take longer than the other one.
    const std::vector<clock_answer> answers{{10, 110.9, 11}, {20, 120.05, 20.1}, {30, 131, 31.5}};
    const clock_reading r = best_of(answers);
    CHECK(r.offset == doctest::Approx(-100));
    CHECK(r.error == doctest::Approx(0.05));
    CHECK(r.at == doctest::Approx(120.05));
    // However the time is shared between the two ways, the error is not larger than told.
    for (int part = 0; part <= 10; ++part) {
        const double out = 0.001 * part;
        const clock_reading each = best_of(std::vector<clock_answer>{{5, 5 + out + 7, 5.01}});
        CHECK(each.offset + 7 <= each.error + 1e-12);
        CHECK(-each.offset - 7 <= each.error + 1e-12);
    }
}

TEST_CASE("between two readings a clock drifts evenly") {
    const clock_reading begin{100, 2, 0, 0};
    const clock_reading end{200, 3, 0, 0};
    CHECK(drift(begin, end, 102) == 0);
    CHECK(drift(begin, end, 202) == doctest::Approx(1));
    CHECK(drift(begin, end, 152) == doctest::Approx(0.5));
    CHECK(drift(begin, end, 50) == 0);
    CHECK(drift(begin, end, 500) == doctest::Approx(1));
    CHECK(drift(begin, begin, 500) == 0);
}

} // namespace
