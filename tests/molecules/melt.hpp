// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

/// Where the shipped melt lies.
inline std::string data_folder() { return MELT_FOLDER; }

/// One line of thermo output in a log of LAMMPS: its text, and Step Temp E_pair E_mol TotEng Press.
struct log_line {
    std::string text;
    std::array<double, 6> columns{};

    double temperature() const { return columns[1]; }
    double pair_energy() const { return columns[2]; }
    double total_energy() const { return columns[4]; }
    double pressure() const { return columns[5]; }
};

/// The thermo output of the last run in a log.
inline std::vector<log_line> read_log(const std::string& path) {
    std::ifstream log(path);
    std::vector<log_line> lines;
    bool inside = false;
    for (std::string text; std::getline(log, text);) {
        if (text.starts_with("Loop time")) inside = false;
        if (inside) {
            log_line line{text, {}};
            std::istringstream words(text);
            for (auto& column : line.columns) words >> column;
            if (words) lines.push_back(line);
        }
        if (text.starts_with("Step ")) inside = true, lines.clear();
    }
    return lines;
}
