// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../chare/runs.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

/// Reads timelines, and finds what is wrong with them.
namespace motet_test {

/// A value of JSON.
struct json {
    enum class kind { nothing, truth, number, text, list, object } is = kind::nothing;
    double number = 0;
    std::string text;
    std::vector<json> items;
    std::map<std::string, json> members;

    bool has(const std::string& name) const { return members.count(name) != 0; }
    const json& operator[](const std::string& name) const {
        static const json none;
        const auto found = members.find(name);
        return found != members.end() ? found->second : none;
    }
};

/// The grammar of RFC 8259, with no leniency but that \u is taken as it stands.
class json_reader {
public:
    explicit json_reader(std::string_view all) : rest(all) {}
    /// False if this is not one value and nothing else.
    bool read(json& into) { return value(into) && (spaces(), rest.empty()); }
    std::string where() const { return std::string(rest.substr(0, 80)); }

private:
    void spaces() {
        while (!rest.empty() && (rest[0] == ' ' || rest[0] == '\n' || rest[0] == '\t' || rest[0] == '\r'))
            rest.remove_prefix(1);
    }
    bool next(char c) {
        spaces();
        if (rest.empty() || rest[0] != c) return false;
        rest.remove_prefix(1);
        return true;
    }
    bool word(std::string_view w) {
        if (!rest.starts_with(w)) return false;
        rest.remove_prefix(w.size());
        return true;
    }
    bool string(std::string& into) {
        if (!next('"')) return false;
        while (!rest.empty() && rest[0] != '"') {
            if (static_cast<unsigned char>(rest[0]) < 0x20) return false;
            if (rest[0] == '\\') {
                rest.remove_prefix(1);
                if (rest.empty() || std::string_view("\"\\/bfnrtu").find(rest[0]) == std::string_view::npos)
                    return false;
            }
            into += rest[0];
            rest.remove_prefix(1);
        }
        return next('"');
    }
    bool value(json& v) {
        spaces();
        if (rest.empty()) return false;
        if (rest[0] == '"') return v.is = json::kind::text, string(v.text);
        if (next('[')) {
            v.is = json::kind::list;
            if (next(']')) return true;
            do {
                if (!value(v.items.emplace_back())) return false;
            } while (next(','));
            return next(']');
        }
        if (next('{')) {
            v.is = json::kind::object;
            if (next('}')) return true;
            do {
                std::string name;
                spaces();
                if (!string(name) || !next(':') || v.has(name) || !value(v.members[name])) return false;
            } while (next(','));
            return next('}');
        }
        if (word("true") || word("false")) return v.is = json::kind::truth, true;
        if (word("null")) return true;
        if (rest[0] != '-' && std::isdigit(static_cast<unsigned char>(rest[0])) == 0) return false;
        v.is = json::kind::number;
        const std::string digits(rest.substr(0, 40));
        char* end = nullptr;
        v.number = std::strtod(digits.c_str(), &end);
        rest.remove_prefix(static_cast<std::size_t>(end - digits.c_str()));
        return true;
    }
    std::string_view rest;
};

/// What is in a timeline.
struct timeline {
    std::vector<std::string> problems;
    std::map<std::string, int> slices;                         ///< by name
    std::map<std::pair<std::string, std::string>, int> arrows; ///< by the names of the slices where they begin and end
    std::map<std::string, int> begun_arrows;                   ///< by the name of the slice
    std::map<std::string, int> waits;                          ///< by name
    std::map<std::string, std::set<std::string>> chares;       ///< by the name of the slice
    std::set<std::string> categories;
    std::set<int> processes;
    std::set<int> threads;
    std::size_t events = 0;
    int lost_arrows = 0; ///< that do not end
    int counters = 0;
    int told_drops = 0;
    double dropped = 0;
    double longest = 0; ///< slice, in microseconds

    int count(const std::string& from, const std::string& to) const {
        const auto found = arrows.find({from, to});
        return found != arrows.end() ? found->second : 0;
    }
};

inline timeline read_timeline(const std::string& text) {
    timeline t;
    json all;
    json_reader reader(text);
    if (!reader.read(all)) {
        t.problems.push_back("no JSON at: " + reader.where());
        return t;
    }
    struct slice {
        std::string name;
        double time;
    };
    std::map<int, std::vector<slice>> open; // by thread
    std::map<int, double> last;
    std::map<std::string, std::string> begun; // arrows: the slice, by number
    std::map<std::string, std::pair<int, double>> sent;
    std::vector<std::pair<std::string, json>> ended;
    std::map<std::string, double> waiting;
    std::set<int> named;
    const auto wrong = [&](const std::string& what, const json& event) {
        if (t.problems.size() < 10)
            t.problems.push_back(what + ": " + event["ph"].text + " " + event["name"].text + " " + event["id"].text +
                                 " at " + std::to_string(event["ts"].number));
    };
    t.events = all["traceEvents"].items.size();
    t.dropped = all["otherData"]["dropped"].number;
    for (const json& e : all["traceEvents"].items) {
        const std::string phase = e["ph"].text;
        const std::string name = e["name"].text;
        const int pid = static_cast<int>(e["pid"].number);
        const int tid = static_cast<int>(e["tid"].number);
        if (!e.has("pid")) wrong("no process", e);
        if (phase == "M") {
            if (name == "process_name") t.processes.insert(pid);
            if (name == "thread_name") t.threads.insert(tid);
            continue;
        }
        const double time = e["ts"].number;
        if (e["ts"].is != json::kind::number) wrong("no time", e);
        if (t.processes.count(pid) == 0 || t.threads.count(tid) == 0) wrong("not of a named thread", e);
        if (phase != "E" && phase != "C") t.categories.insert(e["cat"].text);
        auto& stack = open[tid];
        if (phase == "B" || phase == "E") {
            if (time < last[tid]) wrong("goes back in time", e);
            last[tid] = time;
        }
        if (phase == "B") {
            ++t.slices[name];
            if (e["args"]["run"].number < 1) wrong("no run", e);
            if (e["args"].has("chare")) t.chares[name].insert(e["args"]["chare"].text);
            stack.push_back({name, time});
        } else if (phase == "E") {
            if (stack.empty()) {
                wrong("ends what did not begin", e);
                continue;
            }
            if (time < stack.back().time) wrong("ends before it began", e);
            t.longest = std::max(t.longest, time - stack.back().time);
            stack.pop_back();
        } else if (phase == "s") {
            if (stack.empty())
                wrong("an arrow from nowhere", e);
            else if (!begun.emplace(e["id"].text, stack.back().name).second)
                wrong("two arrows of one number", e);
            if (!stack.empty()) ++t.begun_arrows[stack.back().name];
            sent[e["id"].text] = {pid, time};
        } else if (phase == "f") {
            if (stack.empty() || e["bp"].text != "e")
                wrong("an arrow to nowhere", e);
            else
                ended.emplace_back(stack.back().name, e);
        } else if (phase == "b") {
            if (!waiting.emplace(e["id"].text, time).second) wrong("waits twice", e);
            ++t.waits[name];
        } else if (phase == "e") {
            const auto found = waiting.find(e["id"].text);
            if (found == waiting.end())
                wrong("waited, but did not wait", e);
            else if (time < found->second)
                wrong("waits backwards", e);
            else
                waiting.erase(found);
        } else if (phase == "C") {
            ++t.counters;
            for (const char* which : {"queued", "held", "parked"})
                if (!(e["args"][which].number >= 0 && e["args"][which].number < 1e9)) wrong("no count", e);
        } else if (phase == "i") {
            ++t.told_drops;
        } else {
            wrong("unknown", e);
        }
    }
    std::set<std::string> done;
    for (const auto& [to, e] : ended) {
        const auto found = begun.find(e["id"].text);
        if (found == begun.end())
            wrong("an arrow ends that did not begin", e);
        else if (!done.insert(e["id"].text).second)
            wrong("an arrow ends twice", e);
        else
            ++t.arrows[{found->second, to}];
        if (const auto& [pid, time] = sent[e["id"].text]; pid == static_cast<int>(e["pid"].number))
            if (e["ts"].number < time) wrong("an arrow goes back in time", e);
    }
    t.lost_arrows = static_cast<int>(begun.size() - done.size());
    for (const auto& [tid, stack] : open)
        if (!stack.empty()) t.problems.push_back("thread " + std::to_string(tid) + " ends inside " + stack.back().name);
    for (const auto& [id, time] : waiting) t.problems.push_back("the wait " + id + " does not end");
    return t;
}

/// A file of this test, which is removed.
class temporary_file {
public:
    explicit temporary_file(const std::string& name)
        : path("/tmp/motet_trace_" + std::to_string(getpid()) + "_" + name) {}
    temporary_file(const temporary_file&) = delete;
    temporary_file& operator=(const temporary_file&) = delete;
    ~temporary_file() { std::remove(path.c_str()); }

    std::string content() const {
        std::string all;
        if (std::FILE* file = std::fopen(path.c_str(), "r")) {
            char piece[65536];
            while (const std::size_t size = std::fread(piece, 1, sizeof piece, file)) all.append(piece, size);
            std::fclose(file);
        }
        return all;
    }
    const std::string path;
};

/// What `action` writes to standard error.
template <class Action>
std::string told_by(Action&& action) {
    const temporary_file file("stderr");
    std::fflush(stderr);
    const int before = dup(2);
    const int to = open(file.path.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    dup2(to, 2);
    close(to);
    action();
    std::fflush(stderr);
    dup2(before, 2);
    close(before);
    return file.content();
}

inline options traced(options chosen, const temporary_file& file) {
    chosen.trace = file.path;
    return chosen;
}

} // namespace motet_test
