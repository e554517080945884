// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/serve.hpp>

#if MOTET_BODIES

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

/// The script that a program is started with (--motet-script-run FILE).
///
/// 1. It runs in the chares that are served under the name in its first line, if that is a comment such as
///    `# motet: tiles`, or `# motet: tiles[3, 4]` for one of them; else in what is served first.
/// 2. It begins when they are served, and runs with the module `charm`; main goes on meanwhile.
/// 3. What it prints goes to the program's own output. An error of it is an error of the program, which ends: nobody is
///    there to be told, and a run whose steering has failed would go on for nothing.
namespace motet::inline MOTET_VARIANT::script {

/// The name and the index in a first line `# motet: NAME[INDEX]`; an empty name where it says nothing.
inline execute_request addressed(const std::string& code, const std::string& file) {
    execute_request made;
    const std::string line = code.substr(0, code.find('\n'));
    static constexpr std::string_view mark = "# motet:";
    if (!line.starts_with(mark)) return made;
    std::istringstream words(line.substr(mark.size()));
    std::getline(words, made.name, '[');
    made.name.erase(0, made.name.find_first_not_of(" \t"));
    made.name.erase(made.name.find_last_not_of(" \t\r") + 1);
    std::string index;
    if (std::getline(words, index, ']')) {
        for (char& c : index) c = c == ',' ? ' ' : c;
        std::istringstream numbers(index);
        for (std::int64_t n = 0; numbers >> n;) made.index.push_back(n);
        if (!numbers.eof() || made.index.empty()) made.name.clear();
    }
    if (made.name.empty())
        throw error("--motet-script-run " + file + ": its first line says '" + line +
                    "', and not where it runs, as '# motet: tiles' or '# motet: tiles[3, 4]' would");
    return made;
}

inline void take_start_script(runtime::pe& p, execute_request request, std::string file) {
    const auto ended = [&job = p.job, file](script_answer answer) {
        if (answer.more) return;
        std::fwrite(answer.output.data(), 1, answer.output.size(), stdout);
        std::fflush(stdout);
        std::string problem = answer.error;
        for (const script_outcome& each : answer.outcomes)
            if (problem.empty() && each.failed())
                problem = each.traceback.empty() ? each.error_type + ": " + each.error : each.traceback;
        if (!problem.empty()) job.fail("--motet-script-run " + file + ": " + problem);
    };
    const auto started = [&job = p.job](std::uint32_t handle) {
        output_board& output = script_control::of(job).output;
        output.watch(handle, output_board::stream, [&output, handle] {
            const std::string text = output.take(handle);
            std::fwrite(text.data(), 1, text.size(), stdout);
            std::fflush(stdout);
        });
    };
    desk::of(p).at_start(p, std::move(request), ended, started, "--motet-script-run " + file);
}

/// Reads the script that the options name. Throws error where it cannot be read.
inline void start_script(runtime::machine& job) {
    start_python();
    const std::string& file = job.options.script_run;
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    if (!in || !(text << in.rdbuf()))
        throw error("--motet-script-run " + file + ": the file cannot be read, or is empty");
    execute_request request = addressed(text.str(), file);
    request.script.code = text.str();
    request.script.high_level = true;
    runtime::pe& first = *job.pes[0];
    first.send(0, runtime::call<&take_start_script>::make(first, std::move(request), file));
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
