// SPDX-License-Identifier: BSL-1.0
// galaxy [--data FOLDER] [--pieces N] [SCRIPT.py…]: an analysis of N-body snapshots by scripts, in the manner of Salsa.
// The scripts are run one after the other; without any, with --motet-script, it serves clients until one calls
// charm.quit(): tools/motet run salsa SCRIPT.py
#include "../number.hpp"
#include "salsa.hpp"

#include <motet/script.hpp>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

int main(int argc, char** argv) {
    return motet::run(argc, argv, [] {
        std::string folder = ".";
        std::int64_t count = 2 * motet::pe_count();
        std::vector<std::string> scripts;
        const auto& given = motet::arguments();
        for (std::size_t i = 1; i < given.size(); ++i) {
            const bool more = i + 1 < given.size();
            if (given[i] == "--data" && more)
                folder = given[++i];
            else if (given[i] == "--pieces" && more)
                count = number<std::int64_t>(given[++i], "--pieces", 1, 1000000);
            else if (given[i].starts_with("-"))
                throw std::invalid_argument("usage: galaxy [--data FOLDER] [--pieces N] [SCRIPT.py…]");
            else
                scripts.push_back(given[i]);
        }
        const auto pieces = motet::array<piece>::create(count, piece{});
        const auto analysis =
            motet::chare<salsa>::create(salsa{.pieces = pieces, .piece_count = count, .folder = folder});
        motet::serve(analysis, "salsa");
        motet::serve(pieces, "pieces");
        for (const std::string& script : scripts) {
            std::ifstream file(script);
            if (!file) throw std::invalid_argument(script + " cannot be read");
            const std::string code{std::istreambuf_iterator<char>(file), {}};
            const auto outcome = motet::run_script(analysis, {.code = code, .high_level = true}).get();
            fmt::print("{}", outcome.output);
            if (outcome.failed()) throw std::runtime_error(script + ":\n" + outcome.traceback);
        }
        if (!scripts.empty()) return;
        motet::print("salsa and pieces are served; charm.quit() ends this");
        while (!analysis.ask<&salsa::has_ended>().get()) motet::sleep_for(std::chrono::milliseconds(50));
    });
}
