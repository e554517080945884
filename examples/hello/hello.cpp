// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct Greeter {
    std::string greet(std::string_view whom) { return fmt::format("hello {} from PE {}", whom, motet::my_pe()); }
};

int main(int argc, char** argv) {
    return motet::run(argc, argv, [] {
        auto greeters = motet::group<Greeter>::create();
        for (const auto& line : greeters.gather<&Greeter::greet>("world").get()) motet::print("{}", line);
    });
}
