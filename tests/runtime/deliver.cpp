// SPDX-License-Identifier: BSL-1.0
#include "run.hpp"

#include <motet/runtime/deliver.hpp>

#include <string>

using namespace motet_test;
using motet::runtime::address;
using motet::runtime::delivery;
using motet::runtime::failure;

namespace deliver_test {
struct to_a_string {};
inline std::string got;
void give(pe& p, const address& to, void* value) {
    got = std::to_string(p.number) + "/" + std::to_string(to.index.low) + "/" +
          (value == nullptr ? "nothing" : std::to_string(*static_cast<int*>(value)));
}
void fail(pe&, const address& to, failure&& why) { got = std::to_string(to.index.low) + "/" + why.text; }
inline constexpr delivery kind{&give, &fail};
} // namespace deliver_test

using namespace deliver_test;

TEST_CASE("values, nothing and failures reach the address; an empty address is nowhere") {
    run(threads(1), [](pe& p) {
        address to;
        int value = 5;
        got = "untouched";
        deliver(p, to, &value);
        deliver_nothing(p, to);
        deliver_failure(p, to, {.text = "lost", .type = {}, .chare = {}, .entry = {}});
        CHECK(got == "untouched");
        to.how = motet::runtime::registered<to_a_string, kind>::id();
        to.index.low = 9;
        deliver(p, to, &value);
        CHECK(got == "0/9/5");
        deliver_nothing(p, to);
        CHECK(got == "0/9/nothing");
        deliver_failure(p, to, {.text = "lost", .type = {}, .chare = {}, .entry = {}});
        CHECK(got == "9/lost");
    });
}
