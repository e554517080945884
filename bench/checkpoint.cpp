// SPDX-License-Identifier: BSL-1.0
//
// A checkpoint of one gigabyte, beside dd that writes and syncs as much: bench_checkpoint [JSON [FOLDER]]. The folder
// (default: where it is started) needs three gigabytes of room; what is written there is removed.

#include "harness.hpp"
#include "program.hpp"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

using motet_bench::check;
using motet_bench::on_pes;
using motet_bench::seconds;

constexpr std::int64_t chares = 1024;
constexpr std::size_t bytes_each = 1 << 20;

struct Block {
    std::vector<double> cells = std::vector<double>(bytes_each / sizeof(double));
    void fill() {
        for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = static_cast<double>(i) + 0.25;
    }
    void go_on() {}
};

double write_checkpoint(const std::string& folder) {
    const double time = on_pes(2, [&] {
        const auto blocks = motet::array<Block>::create(chares);
        blocks.all<&Block::fill>().get();
        return seconds([&] { motet::checkpoint(folder, blocks[0].to<&Block::go_on>()).get(); });
    });
    std::filesystem::remove_all(folder);
    return time;
}

double write_by_dd(const std::string& file) {
    const std::string command =
        "dd if=/dev/zero of='" + file + "' bs=1M count=" + std::to_string(chares) + " conv=fsync 2>/dev/null";
    const double time = seconds([&] { check(std::system(command.c_str()) == 0, "dd"); });
    std::filesystem::remove(file);
    return time;
}

} // namespace

int main(int argc, char** argv) {
    motet_bench::report report(argc, argv);
    const std::string name =
        (argc > 2 ? std::string(argv[2]) : std::string(".")) + "/bench_checkpoint." + std::to_string(getpid());
    report.compare(
        {.id = "checkpoint.1g", .unit = "s", .at_most = 1.25, .goal_is_ratio = true},
        [&] { return write_checkpoint(name); },
        motet_bench::rival{"dd conv=fsync", [&] { return write_by_dd(name + ".dd"); }});
}
