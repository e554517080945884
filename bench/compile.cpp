// SPDX-License-Identifier: BSL-1.0
// What compiling examples/hello takes, beside an empty program that includes the same headers of the standard library.
// Processor time of the compiler, which is what the user waits for on a quiet machine. This program itself knows
// nothing of Motet: it asks the compiler which headers there are.

#include "harness.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <sys/resource.h>

namespace {

namespace files = std::filesystem;

const std::string source_folder = MOTET_SOURCE_DIR;
const std::string compiler = MOTET_COMPILER;

void run(const std::string& command) {
    if (std::system(command.c_str()) == 0) return;
    std::fprintf(stderr, "benchmark: this failed: %s\n", command.c_str());
    std::exit(1);
}

double processor_seconds_of_children() {
    rusage used{};
    getrusage(RUSAGE_CHILDREN, &used);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// A folder of its own for what is compiled.
class folder {
public:
    folder() {
        std::string name = (files::temp_directory_path() / "motet_bench_XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) {
            std::perror(name.c_str());
            std::exit(1);
        }
        path = name;
    }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;
    ~folder() {
        std::error_code ignored;
        files::remove_all(path, ignored);
    }
    files::path path;
};

std::string compile_command(const std::string& flags) {
    return compiler + " -std=c++20 -DFMT_HEADER_ONLY=1 -I" + source_folder + "/include " + flags;
}

/// The headers of the standard library, without its internal ones, that `source` includes by any way.
std::set<std::string> standard_headers(const files::path& source, const files::path& scratch) {
    const files::path rule = scratch / "rule";
    run(compile_command("-M " + source.string() + " -o " + rule.string()));
    std::set<std::string> names;
    std::ifstream in(rule);
    for (std::string word; in >> word;) {
        const files::path header(word);
        // <vector> is include/c++/12/vector; the internal ones have a suffix or lie in folders below.
        if (header.parent_path().parent_path().filename() != "c++" || header.has_extension()) continue;
        names.insert(header.filename().string());
    }
    return names;
}

/// Seconds that compiling `source` takes.
auto compile(const files::path& source, const std::string& flags) {
    return [=] {
        const double before = processor_seconds_of_children();
        run(compile_command(flags + " -c " + source.string() + " -o " + source.parent_path().string() + "/object.o"));
        return processor_seconds_of_children() - before;
    };
}

} // namespace

int main(int argc, char** argv) {
    motet_bench::report report(argc, argv);
    const folder scratch;
    const files::path hello = scratch.path / "hello.cpp";
    files::copy_file(source_folder + "/examples/hello/hello.cpp", hello);
    const files::path empty = scratch.path / "empty.cpp";
    std::ofstream out(empty);
    for (const std::string& name : standard_headers(hello, scratch.path)) out << "#include <" << name << ">\n";
    out << "int main() {}\n";
    out.close();
    report.compare({.id = "compile.hello", .unit = "s", .at_most = 2.0, .goal_is_ratio = true, .repetitions = 5},
                   compile(hello, "-O0"), motet_bench::rival{"the standard headers", compile(empty, "-O0")});
    report.compare({.id = "compile.hello_O2", .unit = "s", .repetitions = 5}, compile(hello, "-O2"),
                   motet_bench::rival{"the standard headers", compile(empty, "-O2")});
    // As the files of a program that links to motet::separate.
    const std::string separate = " -DMOTET_SEPARATE -UFMT_HEADER_ONLY";
    report.compare({.id = "compile.separate", .unit = "s", .at_most = 2.0, .goal_is_ratio = true, .repetitions = 5},
                   compile(hello, "-O0" + separate), motet_bench::rival{"the standard headers", compile(empty, "-O0")});
    // The same where the headers are precompiled, once for all files (motet_precompile in CMake).
    const files::path header = scratch.path / "precompiled.hpp";
    std::ofstream(header) << "#include <motet/motet.hpp>\n";
    run(compile_command("-O0" + separate + " -x c++-header " + header.string() + " -o " + header.string() + ".gch"));
    report.compare({.id = "compile.precompiled", .unit = "s", .at_most = 2.0, .goal_is_ratio = true, .repetitions = 5},
                   compile(hello, "-O0" + separate + " -Winvalid-pch -Werror -include " + header.string()),
                   motet_bench::rival{"the standard headers", compile(empty, "-O0")});
    report.compare({.id = "compile.separate_O2", .unit = "s", .repetitions = 5}, compile(hello, "-O2" + separate),
                   motet_bench::rival{"the standard headers", compile(empty, "-O2")});
}
