// SPDX-License-Identifier: BSL-1.0
#include <motet/trace/records.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <vector>

using motet::trace::record;
using motet::trace::record_buffer;

namespace {

std::vector<double> times(const record_buffer& b) {
    std::vector<double> all;
    b.for_each([&](const record& r) { all.push_back(r.time); });
    return all;
}

TEST_CASE("a buffer of records keeps the newest, and knows what it dropped") {
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{32768}, std::size_t{50000}, std::size_t{1} << 20}) {
        const std::size_t most = bytes == std::size_t{1} << 20 ? 16384 : bytes == 50000 ? 768 : 512;
        record_buffer b(bytes);
        CHECK(times(b).empty());
        for (std::size_t added = 1; added <= 40000; ++added) {
            record r;
            r.time = static_cast<double>(added);
            b.add(r);
            if (added % 997 != 0 && added > 3) continue;
            const auto kept = times(b);
            CHECK(kept.size() <= most);
            CHECK(kept.size() + 256 > std::min(added, most));
            CHECK(kept.size() + b.dropped() == added);
            for (std::size_t i = 0; i < kept.size(); ++i) REQUIRE(kept[i] == static_cast<double>(b.dropped() + i + 1));
            if (b.dropped() > 0)
                CHECK(b.dropped_until() == static_cast<double>(b.dropped()));
            else
                CHECK(b.dropped_until() == -std::numeric_limits<double>::infinity());
        }
    }
}

} // namespace
