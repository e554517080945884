// SPDX-License-Identifier: BSL-1.0
// needs: script
//
// What hooks cost (script/hook.hpp): what they cost a program that has none, in instructions, beside the same program
// built without scripts; one hook that does nothing; and the check of the original's Table 4, after each message of a
// Jacobi on 8000 x 8000 cells. Each is a process of its own (beside/hooks.cpp).

#include "harness.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

/// What a command prints, both of its streams; ends the benchmark where that fails.
std::string said_by(const std::string& command) {
    std::FILE* const out = popen((command + " 2>&1").c_str(), "r");
    std::string text;
    char part[1024];
    while (out != nullptr && std::fgets(part, sizeof part, out) != nullptr) text += part;
    if (out == nullptr || pclose(out) != 0) {
        std::fprintf(stderr, "benchmark: %s\n%s\n", command.c_str(), text.c_str());
        std::exit(1);
    }
    return text;
}

/// The number that one of the programs prints.
auto number_of(std::string command) {
    return [command = std::move(command)] { return std::stod(said_by(command)); };
}

/// Instructions of one message of a game, as callgrind counts them: those of two games with `more` messages between
/// them.
auto instructions_of(const std::string& program) {
    return [program] {
        constexpr int some = 20'000;
        constexpr int more = 50'000;
        const auto of = [&](int messages) {
            const std::string text = said_by("valgrind --tool=callgrind --callgrind-out-file=/dev/null " + program +
                                             " game " + std::to_string(messages) + " --motet-pes 1");
            const std::string before = "Collected : ";
            return std::stod(text.substr(text.find(before) + before.size()));
        };
        return (of(some + more) - of(some)) / more;
    };
}

} // namespace

int main(int argc, char** argv) {
    motet_bench::report report(argc, argv);
    using motet_bench::rival;
    const std::string with = MOTET_BESIDE_SCRIPT;
    const std::string without = MOTET_BESIDE_PLAIN;
    if (std::system("valgrind --version > /dev/null 2>&1") == 0)
        report.compare({.id = "script.hooks_idle",
                        .unit = "instr",
                        .at_most = 1.02,
                        .goal_is_ratio = true,
                        .repetitions = 1}, // it is the same each time
                       instructions_of(with), rival{"without scripts", instructions_of(without)});
    const std::string game = " game 2000000 --motet-pes 1";
    report.compare({.id = "script.hook", .unit = "us", .at_most = 0.5},
                   [&] { return 1e-3 * (number_of(with + game + " None")() - number_of(with + game)()); });
    for (const char* chares : {"64", "256"}) {
        const std::string jacobi = std::string(" jacobi 8000 ") + chares + " 10 --motet-pes 2";
        report.compare(
            {.id = std::string("script.hook_jacobi_") + chares, .unit = "ms", .at_most = 1.03, .goal_is_ratio = true},
            number_of(with + jacobi + " 'def check(self):\n    length = len(self.data)\n    arr = self.data' check"),
            rival{"without scripts", number_of(without + jacobi)});
    }
}
