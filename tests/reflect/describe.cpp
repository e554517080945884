// SPDX-License-Identifier: BSL-1.0
#include "structs.hpp"

#include <motet/reflect/describe.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

using motet::reflect::describe;
using motet::reflect::kind;
using motet::reflect::type_description;

TEST_CASE("describe: a struct, read and written without its type") {
    const type_description& type = describe<sample::particle>();
    CHECK(type.name == "sample::particle");
    CHECK(type.short_name == "particle");
    CHECK(type.kind == kind::structure);
    CHECK(type.size == sizeof(sample::particle));
    CHECK(type.alignment == alignof(sample::particle));
    REQUIRE(type.fields.size() == 4);
    CHECK(type.fields[1].name == "at");
    CHECK(type.fields[1].type == &describe<sample::point>());

    sample::particle one{"p", {1, 2}, 0.5, sample::color::red};
    CHECK(type.fields[2].address(&one) == &one.mass);
    void* at = type.fields[1].address(&one);
    *static_cast<int*>(type.fields[1].type->fields[1].address(at)) = 9;
    CHECK(one.at.y == 9);
    CHECK(type.text(&one, 200) == R"({name="p", at={x=1, y=9}, mass=0.5, tint=color(0)})");
    CHECK(type.fields[0].type->text(type.fields[0].address(&one), 2) == "\"p...");
}

TEST_CASE("describe: the parts of containers") {
    using map = std::map<std::string, std::vector<sample::point>>;
    const type_description& type = describe<map>();
    CHECK(type.kind == kind::map);
    REQUIRE(type.parts.size() == 2);
    CHECK(type.parts[0]->kind == kind::text);
    CHECK(type.parts[1]->parts[0] == &describe<sample::point>());
    CHECK(describe<std::variant<int, bool>>().parts.size() == 2);
    CHECK(describe<sample::color>().parts[0] == &describe<std::uint8_t>());
    CHECK(describe<std::array<int, 3>>().numbers[0] == 3);
    CHECK(describe<int>().is_signed);
    CHECK_FALSE(describe<unsigned>().is_signed);
    CHECK(describe<std::unique_ptr<const int>>().parts[0] == &describe<int>());
}

TEST_CASE("describe: a struct that holds itself") {
    const type_description& type = describe<sample::node>();
    CHECK(type.fields[1].type->parts[0] == &type);
}

TEST_CASE("describe: const fields are reached, opaque ones are named") {
    struct mixed {
        const int fixed;
        std::function<void(int)> code;
        sample::private_state own;
    };
    const type_description& type = describe<const mixed>();
    mixed one{4, {}, {}};
    CHECK(*static_cast<const int*>(type.fields[0].address(&one)) == 4);
    CHECK(type.fields[1].type->kind == kind::opaque);
    CHECK(type.fields[2].type->kind == kind::opaque);
    CHECK(type.fields[2].type->fields.empty());
}
