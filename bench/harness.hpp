// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// What every program under bench/ shares: runs interleaved with the rivals', medians, a table, and one JSON object per
/// line for tools. MOTET_BENCH_ONLY names the row to measure, or what those to measure begin with; default: all.
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
        std::printf("%-22s %12s %-6s %-22s %12s %7s %15s  %s\n", "id", "motet", "unit", "rival", "", "ratio",
                    "from, to", "goal");
    }
    report(report&&) = delete;
    ~report() {
        if (json_ != nullptr) std::fclose(json_);
    }

    /// Whether a row is to be measured.
    static bool wants(std::string_view id) {
        const char* const only = std::getenv("MOTET_BENCH_ONLY");
        return only == nullptr || id.starts_with(only);
    }
    /// Measures `ours` (a function that returns one value in the row's unit) and each rival in turn, `repetitions`
    /// times, every other time in the opposite order. Reports the medians; the ratio is to the best rival, the median
    /// of the ratios that each turn gives, so that a machine that becomes slower or faster meanwhile does not change
    /// it, with their least and greatest; the other rivals are printed below.
    template <class Ours, class... Measure>
    void compare(const row& about, Ours&& ours, rival<Measure>... rivals) {
        if (!wants(about.id)) return;
        constexpr std::size_t count = sizeof...(Measure);
        const std::string names[] = {rivals.name..., std::string()};
        const std::function<double()> measures[] = {std::ref(ours), std::ref(rivals.measure)...};
        std::vector<double> values[count + 1]; // ours first
        for (int repetition = -1; repetition < about.repetitions; ++repetition) {
            for (std::size_t i = 0; i <= count; ++i) {
                const std::size_t which = repetition % 2 == 0 ? i : count - i;
                const double value = measures[which]();
                if (repetition >= 0) values[which].push_back(value); // the first warms caches and memory
            }
        }
        const auto ratios_to = [&](std::size_t which) {
            std::vector<double> ratios;
            for (std::size_t i = 0; i < values[0].size(); ++i) ratios.push_back(values[0][i] / values[which][i]);
            std::sort(ratios.begin(), ratios.end());
            return ratios;
        };
        std::size_t best = 1;
        for (std::size_t i = 2; i <= count; ++i)
            if (about.at_least == 0 ? median(values[i]) < median(values[best])
                                    : median(values[i]) > median(values[best]))
                best = i;
        if constexpr (count == 0)
            print(about, median(values[0]), {}, 0, {0});
        else
            print(about, median(values[0]), names[best - 1], median(values[best]), ratios_to(best));
        for (std::size_t i = 1; i <= count; ++i) {
            if (i != best && speaks_)
                std::printf("%-42s %-22s %12.4g %7.3f\n", "", names[i - 1].c_str(), median(values[i]),
                            median(ratios_to(i)));
        }
    }

private:
    /// `ratios`: in order.
    void print(const row& about, double value, const std::string& name, double rival_value,
               const std::vector<double>& ratios) {
        if (!speaks_) return;
        const double ratio = median(ratios);
        std::printf("%-22s %12.4g %-6s %-22s %12.4g %7.3f %7.3f %7.3f  ", about.id.c_str(), value, about.unit.c_str(),
                    name.c_str(), rival_value, ratio, ratios.front(), ratios.back());
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
            std::fprintf(json_,
                         ", \"rival\": \"%s\", \"rival_value\": %.6g, \"ratio\": %.4g, \"ratio_least\": %.4g, "
                         "\"ratio_most\": %.4g",
                         name.c_str(), rival_value, ratio, ratios.front(), ratios.back());
        }
        std::fprintf(json_, "}\n");
        std::fflush(json_);
    }

    bool speaks_;
    std::FILE* json_;
};

} // namespace motet_bench
