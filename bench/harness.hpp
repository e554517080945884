// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

/// What every program under bench/ shares: runs interleaved with the rivals', medians, a table, and one JSON object per
/// line for tools.
namespace motet_bench {

/// Keeps the compiler from leaving out what computes `value`.
template <class T>
void keep(const T& value) {
    asm volatile("" : : "g"(&value) : "memory");
}

/// Seconds that one call of `run` takes.
template <class Run>
double seconds(Run&& run) {
    const auto begin = std::chrono::steady_clock::now();
    run();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

inline double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/// How one row of the table is measured.
struct row {
    std::string id;     ///< "serial.doubles"
    std::string unit;   ///< "ms"
    double at_most = 0; ///< the goal, in `unit`, or for the ratio if goal_is_ratio; 0: none
    bool goal_is_ratio = false;
    double at_least = 0; ///< the same where more is better
    int repetitions = 9; ///< at least 5; a first one is not counted
};

/// A competitor: its name, and a function that measures once and returns a value in the row's unit.
template <class Measure>
struct rival {
    std::string name;
    Measure measure;
};
template <class Measure>
rival(std::string, Measure) -> rival<Measure>;
template <class Measure>
rival(const char*, Measure) -> rival<Measure>;

/// Prints the table to standard output, and appends JSON lines to a file if one is named: `report out(argc, argv);`
class report {
public:
    /// `speaks`: of the processes of a job, one does.
    report(int argc, char** argv, bool speaks = true)
        : speaks_(speaks), json_(speaks && argc > 1 ? std::fopen(argv[1], "a") : nullptr) {
        if (!speaks) return;
        if (argc > 1 && json_ == nullptr) std::perror(argv[1]);
        std::printf("%-22s %12s %-6s %-22s %12s %7s  %s\n", "id", "motet", "unit", "rival", "", "ratio", "goal");
    }
    report(report&&) = delete;
    ~report() {
        if (json_ != nullptr) std::fclose(json_);
    }

    /// Measures `ours` (a function that returns one value in the row's unit) and each rival in turn, `repetitions`
    /// times, and reports the medians. The ratio is to the best rival; the others are printed below. Returns the ratio.
    template <class Ours, class... Measure>
    double compare(const row& about, Ours&& ours, rival<Measure>... rivals) {
        constexpr std::size_t count = sizeof...(Measure);
        std::vector<double> our_values;
        std::vector<std::vector<double>> rival_values(count);
        for (int repetition = -1; repetition < about.repetitions; ++repetition) {
            const double our_value = ours();
            const double values[] = {rivals.measure()..., 0.0};
            if (repetition < 0) continue; // warms caches and memory
            our_values.push_back(our_value);
            for (std::size_t i = 0; i < count; ++i) rival_values[i].push_back(values[i]);
        }
        const std::string names[] = {rivals.name..., std::string()};
        const double value = median(our_values);
        std::size_t best = 0;
        std::vector<double> medians;
        for (std::size_t i = 0; i < count; ++i) {
            medians.push_back(median(rival_values[i]));
            if (about.at_least == 0 ? medians[i] < medians[best] : medians[i] > medians[best]) best = i;
        }
        if (count == 0) medians.push_back(0);
        const double ratio = count != 0 ? value / medians[best] : 0;
        print(about, value, names[best], medians[best], ratio);
        for (std::size_t i = 0; i < count; ++i) {
            if (i != best && speaks_)
                std::printf("%-42s %-22s %12.4g %7.3f\n", "", names[i].c_str(), medians[i], value / medians[i]);
        }
        return ratio;
    }

private:
    void print(const row& about, double value, std::string_view name, double rival_value, double ratio) {
        if (!speaks_) return;
        std::printf("%-22s %12.4g %-6s %-22s %12.4g %7.3f  ", about.id.c_str(), value, about.unit.c_str(),
                    std::string(name).c_str(), rival_value, ratio);
        if (const double goal = about.at_most + about.at_least; goal != 0) {
            const double compared = about.goal_is_ratio ? ratio : value;
            const bool reached = about.at_least == 0 ? compared <= goal : compared >= goal;
            std::printf("%s%s%.4g %s", about.at_least == 0 ? "" : "at least ", about.goal_is_ratio ? "ratio " : "",
                        goal, reached ? "reached" : "MISSED");
        }
        std::printf("\n");
        std::fflush(stdout);
        if (json_ == nullptr) return;
        std::fprintf(json_, "{\"id\": \"%s\", \"value\": %.6g, \"unit\": \"%s\"", about.id.c_str(), value,
                     about.unit.c_str());
        if (!name.empty()) {
            std::fprintf(json_, ", \"rival\": \"%s\", \"rival_value\": %.6g, \"ratio\": %.4g",
                         std::string(name).c_str(), rival_value, ratio);
        }
        std::fprintf(json_, "}\n");
        std::fflush(json_);
    }

    bool speaks_;
    std::FILE* json_;
};

} // namespace motet_bench
