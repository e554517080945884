// SPDX-License-Identifier: BSL-1.0
#include "environment.hpp"

#include <motet/runtime/options.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using motet::runtime::environment_name;
using motet::runtime::help_text;
using motet::runtime::known_options;
using motet::runtime::option;
using motet::runtime::options;
using motet::runtime::take_options;
using motet_test::environment;

namespace {

options taken(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "program");
    return take_options(arguments);
}

std::string refused(std::vector<std::string> arguments) {
    try {
        taken(std::move(arguments));
    } catch (const motet::error& problem) {
        return problem.what();
    }
    return "";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("without options the number of PEs is left to the machine, and nothing is simulated") {
    const options o = taken({});
    CHECK(o.pes == 0);
    CHECK(!o.simulated);
    CHECK(!o.help);
    CHECK(o.stack == 8u << 20);
    CHECK(o.seed == 1);
}

TEST_CASE("every option is read, with its value behind it or behind an equals sign") {
    for (const bool equals : {false, true}) {
        auto with = [&](const std::string& name, const std::string& value) {
            return equals ? taken({"--motet-" + name + "=" + value}) : taken({"--motet-" + name, value});
        };
        CHECK(with("pes", "3").pes == 3);
        CHECK(with("stack", "64K").stack == 65536);
        CHECK(with("stack", "65536").stack == 65536);
        CHECK(with("stack", "1.5M").stack == 1572864);
        CHECK(with("stack", "1G").stack == 1u << 30);
        CHECK(with("spin", "0").spin_us == 0);
        CHECK(with("sim", "64x16").simulated);
        CHECK(with("sim", "64x16").processes == 64);
        CHECK(with("sim", "64x16").pes == 16);
        CHECK(with("seed", "18446744073709551615").seed == 18446744073709551615u);
        CHECK(!with("sim-shuffle", "off").shuffle);
        CHECK(with("sim-shuffle", "on").shuffle);
        CHECK(with("sim-delay", "10us").delay == doctest::Approx(1e-5));
        CHECK(with("sim-migrate", "0.25").migrate == 0.25);
        CHECK(!with("sim-table", "no").table);
        CHECK(with("shared-memory", "off").shared_memory == 0);
        CHECK(with("shared-memory", "2").shared_memory == 2);
        CHECK(with("net-latency", "3ns").network.latency == doctest::Approx(3e-9));
        CHECK(with("net-overhead", "2ms").network.overhead == doctest::Approx(2e-3));
        CHECK(with("net-gap", "1.5s").network.gap == 1.5);
        CHECK(with("net-gap", "0").network.gap == 0);
        CHECK(with("net-bandwidth", "10G").network.bandwidth == 10. * (1 << 30));
    }
    CHECK(taken({"--motet-help"}).help);
    CHECK(!taken({"--motet-help=off"}).help);
    CHECK(taken({"--motet-sim-measure"}).measure);
    CHECK(!taken({"--motet-sim-measure=no"}).measure);
}

TEST_CASE("what is the program's stays, in order; an option without a value takes none") {
    std::vector<std::string> arguments{"--motet-program",
                                       "a",
                                       "--motet-pes",
                                       "2",
                                       "-x",
                                       "--motet-sim-measure",
                                       "on",
                                       "--seed",
                                       "--motet-spin=7",
                                       "--",
                                       "b"};
    const options o = take_options(arguments);
    CHECK(o.pes == 2);
    CHECK(o.measure);
    CHECK(o.spin_us == 7);
    CHECK(arguments == std::vector<std::string>{"--motet-program", "a", "-x", "on", "--seed", "--", "b"});
    std::vector<std::string> none;
    take_options(none);
    CHECK(none.empty());
}

TEST_CASE("the last of several counts") { CHECK(taken({"--motet-pes", "2", "--motet-pes", "5"}).pes == 5); }

TEST_CASE("the number of PEs may follow the number of processes") {
    const options o = taken({"--motet-sim", "8x2", "--motet-pes=4"});
    CHECK(o.processes == 8);
    CHECK(o.pes == 4);
    CHECK(contains(refused({"--motet-sim", "1048576x1", "--motet-pes", "4096"}), "at most 16777216 PEs in all"));
}

TEST_CASE("unknown options are refused by name") {
    CHECK(contains(refused({"--motet-pez", "2"}), "unknown option --motet-pez"));
    CHECK(contains(refused({"--motet-pez=2"}), "unknown option --motet-pez:"));
    CHECK(contains(refused({"--motet-"}), "unknown option --motet-"));
    CHECK(contains(refused({"--motet-=1"}), "unknown option --motet-"));
    CHECK(contains(refused({"--motet-PES", "1"}), "--motet-help"));
}

TEST_CASE("an option at the end that needs a value says so") {
    CHECK(refused({"--motet-pes"}) == "--motet-pes needs a value: N");
    CHECK(contains(refused({"--motet-pes", "--motet-seed"}), "--motet-pes --motet-seed: expected"));
}

TEST_CASE("bad values are refused, with what was expected") {
    CHECK(refused({"--motet-pes", "0"}) == "--motet-pes 0: expected a number of PEs from 1 to 4096");
    const std::vector<std::pair<std::string, std::vector<std::string>>> bad{
        {"pes", {"", "-1", "two", "2x", "65537", "4294967297", " 2", "1.5", "+1"}},
        {"stack", {"", "1", "16383", "8Q", "8MB", "-1M", "2048G", "M", "nan", "inf", "infG", "1e999"}},
        {"spin", {"", "-1", "1000001", "1us"}},
        {"sim", {"", "4", "x", "4x", "x4", "0x4", "4x0", "4x4x4", "4 x 4", "-1x2", "1048577x1", "1048576x65536"}},
        {"seed", {"", "-1", "18446744073709551616", "0x10", "1.0"}},
        {"sim-shuffle", {"", "maybe", "2", "ON"}},
        {"sim-delay", {"", "10", "us", "-1us", "10m", "inf", "infs", "nans", "1e999s"}},
        {"sim-migrate", {"", "-0.1", "1.1", "nan", "inf", "10%"}},
        {"sim-measure", {"", "perhaps"}},
        {"sim-table", {"", "perhaps"}},
        {"net-latency", {"", "5", "5 us", "-1s"}},
        {"net-overhead", {"", "5", "infs"}},
        {"net-gap", {"", "5", "1h"}},
        {"net-bandwidth", {"", "-1", "10GB", "inf", "nan", "infK"}},
        {"help", {"", "perhaps"}},
        {"alone", {"", "perhaps"}},
        {"prefix", {"", "perhaps"}},
        {"restart", {""}},
        {"checkpoint-period", {"", "5", "-1s"}},
        {"balance", {"", "gready", "Greedy", "greedy ", "Metis"}},
        {"balance-period", {"", "5", "-1s"}},
        {"balance-report", {"", "perhaps"}},
        {"trace", {""}},
        {"trace-size", {"", "1", "32767", "8Q", "16MB", "-1M", "2048G", "nan", "many"}},
        {"stats", {"", "perhaps"}},
        {"shared-memory", {"", "perhaps", "0", "-1", "2x"}},
        {"script", {"", "perhaps"}},
        {"script-wait", {"", "perhaps"}},
        {"script-tcp", {"", "x", "65536", ":80", "host:", "-1"}},
        {"script-key", {""}},
        {"script-log", {""}},
        {"script-run", {""}},
        {"script-limit", {"", "5", "-1s"}},
        {"freeze-on", {"", "errors", "error,,deadlock", "deadlock;error"}},
        {"freeze-hold", {"", "5", "-1s", "8h"}},
    };
    CHECK(bad.size() == std::size(known_options));
    for (const auto& each : bad)
        for (const std::string& value : each.second) {
            const std::string& name = each.first;
            CAPTURE(name);
            CAPTURE(value);
            const std::string text = refused({"--motet-" + name + "=" + value});
            CHECK(contains(text, "--motet-" + name + " "));
            CHECK((contains(text, "expected") || contains(text, "at most")));
        }
    CHECK(contains(refused({"--motet-sim", "4xx"}), "PEs after the x"));
    CHECK(contains(refused({"--motet-sim", "ax4"}), "processes before the x"));
}

TEST_CASE("each option is also an environment variable, and the command line goes before it") {
    CHECK(environment_name("pes") == "MOTET_PES");
    CHECK(environment_name("net-bandwidth") == "MOTET_NET_BANDWIDTH");
    const environment pes("MOTET_PES", "3");
    const environment sim("MOTET_SIM_SHUFFLE", "off");
    const environment measure("MOTET_SIM_MEASURE", "on");
    CHECK(taken({}).pes == 3);
    CHECK(!taken({}).shuffle);
    CHECK(taken({}).measure);
    CHECK(taken({"--motet-pes", "4"}).pes == 4);
    CHECK(taken({"--motet-sim-shuffle=on"}).shuffle);
}

TEST_CASE("a bad value in the environment is refused with the variable's name") {
    const environment pes("MOTET_PES", "many");
    const std::string text = refused({});
    CHECK(contains(text, "environment variable MOTET_PES"));
    CHECK(contains(text, "expected a number of PEs"));
}

TEST_CASE("the help lists every option, one on each line") {
    const std::string help = help_text();
    for (const option& o : known_options) {
        CAPTURE(o.name);
        const std::string left =
            "\n  --motet-" + std::string(o.name) + (o.value ? " " + std::string(o.value) : "") + "  ";
        CHECK(contains(help, left));
        CHECK(contains(help, o.help));
    }
    CHECK(std::count(help.begin(), help.end(), '\n') == static_cast<long>(std::size(known_options)) + 1);
}
