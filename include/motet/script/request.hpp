// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/value.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace motet {

/// A request to run Python in chares of a running program (PythonExecute in the Charm++ manual, section 26.2).
struct script_request {
    std::string code = {};
    bool persistent = false;  ///< what the script defines stays, for later requests with the handle it gets
    bool high_level = false;  ///< the module `charm` is there: methods can be called, and may wait
    bool iterate = false;     ///< `method` is called for each element of `over`
    bool vectorized = false;  ///< with `iterate`: it is called once, with all elements as one array
    bool keep_print = true;   ///< what is printed is kept until it is asked for; else it is dropped
    std::uint32_t handle = 0; ///< of the interpreter to be used again; 0: a new one
    std::string method = {};  ///< with `iterate`: the function, defined in the code or by an earlier request
    std::string over = {};    ///< with `iterate`: the range, a path such as "particles" or "cells.particles"
    value select = {};        ///< with `iterate`: which elements; see `selected`
    value parameters = {};    ///< with `iterate`: for the struct's own `range`
    /// With `iterate`: what becomes of what the function returns. Empty: a list of it. Else "sum", "product", "min",
    /// "max", "any", "all", "count" (of what is true), or a function of two such values that the script defines; one
    /// that returned None has no part in it. "store": each is put in the place of its element.
    std::string reduce = {};
    double limit = 0; ///< seconds after which it is interrupted in a chare, waits included; 0: no such limit
    /// All or nothing: if it raises, the chare becomes what it was before, and what it has sent and printed is dropped.
    /// It begins when no other method stands in the chare, and may not wait. Of a whole collection: in every element or
    /// in none.
    bool atomic = false;
    std::uint64_t transaction = 0; ///< that it is a part of, of a whole collection; 0: of none
    bool stream = false;           ///< each chare's outcome goes to the desk at once, too
    std::uint64_t run = 0; ///< numbers the Executes of a desk, whose output goes there as it comes; 0: of no desk
};

/// Which elements of a range `iterate` is for: all of them, where nothing else is said.
struct selected {
    /// These, in this order; negative places count from the end.
    static value at(const std::vector<std::int64_t>& places) {
        value::list all;
        for (const std::int64_t place : places) all.items.push_back({place});
        return {std::move(all)};
    }
    /// As Python's [begin:end:step].
    static value slice(std::optional<std::int64_t> begin, std::optional<std::int64_t> end = {}, std::int64_t step = 1) {
        const auto bound = [](std::optional<std::int64_t> n) { return n ? value{*n} : value{}; };
        return {value::tuple{{bound(begin), bound(end), value{step}}}};
    }
    /// Those for which a Python expression of the function's parameter is true ("p.mass > 1"), or a function that the
    /// script defines, by its name.
    static value where(std::string condition) { return {std::move(condition)}; }
};

/// Which elements of a collection a script is for: those for which all hold that is said here; nothing is: every one.
struct chosen_elements {
    std::vector<std::vector<std::int64_t>> indices = {}; ///< of one each
    /// One for each coordinate, by its value: from the first up to the second, as Python's [begin:end:step]; a
    /// step counts from `begin`, or from 0 where there is none.
    struct slice {
        std::optional<std::int64_t> begin = {};
        std::optional<std::int64_t> end = {};
        std::int64_t step = 1;
        bool has(std::int64_t n) const {
            if ((begin && n < *begin) || (end && n >= *end)) return false;
            const auto from = [n](std::int64_t first) {
                return static_cast<std::uint64_t>(n) - static_cast<std::uint64_t>(first);
            };
            return begin ? from(*begin) % static_cast<std::uint64_t>(step) == 0 : n % step == 0;
        }
    };
    std::vector<slice> slices = {};
    std::string where = {}; ///< a Python expression of `self` and `index` (an int, or a tuple of several)

    bool all() const { return indices.empty() && slices.empty() && where.empty(); }
    bool has(const std::vector<std::int64_t>& index) const {
        for (std::size_t i = 0; i < slices.size(); ++i)
            if (i >= index.size() || !slices[i].has(index[i])) return false;
        return true;
    }
    /// As it stands in requests: a dict of "indices", "slices" and "where". The second throws error where it is none.
    value to_value() const;
    static chosen_elements from_value(const value& given);
};

/// What a script did in one chare.
struct script_outcome {
    std::vector<std::int64_t> index; ///< of the element; empty where there is none
    value result;                    ///< of the last expression; of iterating: the list of what was returned
    std::string output;              ///< what it printed
    std::string error_type;          ///< name of the Python exception; empty: there was none
    std::string error;               ///< its text
    std::string traceback;
    std::uint32_t pe = 0;         ///< where it began
    std::uint64_t messages = 0;   ///< that this PE had handled before
    std::uint64_t sent_ahead = 0; ///< bytes of output that the desk gets by another way
    bool skipped = false;         ///< for the runtime: it was not one of the chosen
    bool failed() const { return !error_type.empty(); }

    template <class Archive>
    void serialize(Archive& archive) {
        archive(index, result, output, error_type, error, traceback, pe, messages, sent_ahead);
    }
};

/// An Execute: where a script is to run, and what.
struct execute_request {
    std::string name;                ///< under which the collection is served
    std::vector<std::int64_t> index; ///< of one element; empty: every element
    bool wait = true;                ///< answered when the script has ended; else at once, with the handle
    bool stream = false;             ///< with `wait`: answers with what it prints come before that, as it comes
    script_request script;
    chosen_elements elements = {}; ///< without an index: which of them
    /// What becomes of the results of several elements. Empty: they come by index. Else one result, of "sum",
    /// "product", "min", "max", "any", "all", "count" (of what is true), "mean" or "set", or of a Python expression
    /// that is a function of two results; put together along a tree, in any order. Errors come by index. Without
    /// `iterate`, script.reduce says the same.
    std::string across = {};
    std::string problem = {};                ///< of one that was read: why it cannot be done
    std::shared_ptr<const void> weight = {}; ///< counts its bytes, until its script has ended

    /// What came after the first version of the protocol goes by name, and only where it is not as it is by default: so
    /// clients and programs of different age understand each other.
    using option = std::pair<std::string, value>;
    std::vector<option> options() const {
        std::vector<option> all;
        if (!script.select.is_none()) all.emplace_back("select", script.select);
        if (!script.parameters.is_none()) all.emplace_back("parameters", script.parameters);
        if (!script.reduce.empty()) all.emplace_back("reduce", value{script.reduce});
        if (script.limit > 0) all.emplace_back("limit", value{script.limit});
        if (stream) all.emplace_back("stream", value{true});
        if (script.atomic) all.emplace_back("atomic", value{true});
        if (!elements.all()) all.emplace_back("elements", elements.to_value());
        if (!across.empty()) all.emplace_back("across", value{across});
        return all;
    }
    /// Throws error if the name is unknown or the value of the wrong type.
    void set_option(const std::string& option_name, value given) {
        if (option_name == "select")
            script.select = std::move(given);
        else if (option_name == "parameters")
            script.parameters = std::move(given);
        else if (option_name == "reduce")
            script.reduce = given.text();
        else if (option_name == "limit")
            script.limit = given.number();
        else if (option_name == "atomic")
            script.atomic = given.truth();
        else if (option_name == "stream")
            stream = given.truth();
        else if (option_name == "elements")
            elements = chosen_elements::from_value(given);
        else if (option_name == "across")
            across = given.text();
        else
            throw error("this program does not know it");
    }

    template <class Archive>
    void serialize(Archive& archive) {
        script_request& s = script;
        archive(name, index, wait, s.code, s.persistent, s.high_level, s.iterate, s.vectorized, s.keep_print, s.handle,
                s.method, s.over);
        std::vector<option> more;
        if constexpr (Archive::is_writing) {
            more = options();
            if (!more.empty()) archive(more);
        } else if (archive.origin().remaining() != 0) {
            archive(more);
            for (auto& [each, given] : more) try {
                    set_option(each, std::move(given));
                } catch (const error& why) {
                    problem = "option '" + each + "': " + why.what();
                }
        }
    }
};

/// What the script printed since the last time (PythonPrint, section 26.5).
struct print_request {
    std::uint32_t handle = 0;
    bool wait = true;  ///< until there is something to say, or the script has ended
    bool kill = false; ///< answers the Print that waits with nothing
};

/// Whether the script has ended (PythonFinished, section 26.6).
struct finished_request {
    std::uint32_t handle = 0;
    bool wait = true; ///< until it has
};

/// Ends a script that runs, as Ctrl-C would. Answered when it has ended, or with what cannot be stopped.
struct interrupt_request {
    std::uint32_t handle = 0; ///< 0: all that this client has begun
};

/// Which scripts run. Answered also while every PE is busy with them.
struct running_request {};

/// A script that runs.
struct running_name {
    std::uint32_t handle = 0;
    std::string name;   ///< what it runs in
    std::string client; ///< who has begun it
    double seconds = 0; ///< ago
    std::string where;  ///< chares in process 0 in which it is now
};

/// The value at a path in a chare, or in all of a collection (ck.read). Runs no code of the client.
struct read_request {
    std::string name;
    std::vector<std::int64_t> index;
    std::vector<value> path; ///< names of fields, places and keys
};

/// Puts a value there (ck.write).
struct write_request {
    std::string name;
    std::vector<std::int64_t> index;
    std::vector<value> path;
    value written;
};

/// What is served.
struct list_request {};

/// What is served as declarations for editors, a .pyi file: the result of one outcome. Runs no code of the client.
struct stubs_request {
    std::vector<std::string> names; ///< under which it is served; none: all
};

/// Something that is served.
struct served_name {
    std::string name;
    std::string type; ///< of the chares
    std::string kind; ///< chare, group, node group or array
};

/// What a program says to a request.
struct script_answer {
    std::string error = {};                    ///< why not; empty: it could be done
    std::uint32_t handle = 0;                  ///< of the interpreter; of Finished: 0 if the script still runs
    bool has_outcomes = false;                 ///< the script has ended
    std::vector<script_outcome> outcomes = {}; ///< of an Execute that waits, and of Finished
    std::string output = {};                   ///< what was printed
    std::vector<served_name> names = {};       ///< of a list
    std::vector<running_name> running = {};    ///< scripts
    bool more = false;                         ///< a part of a stream: other answers to the same request follow
    std::uint64_t dropped = 0;                 ///< bytes that were printed before `output`, and nobody took in time
    value found = {};                          ///< of requests for hooks and freezing: a dict
};

inline value chosen_elements::to_value() const {
    value::dict all;
    const auto put = [&all](const char* name, auto given) {
        all.items.push_back({value{name}, value{std::move(given)}});
    };
    value::list each_index;
    for (const auto& index : indices) {
        value::tuple numbers;
        for (const std::int64_t n : index) numbers.items.push_back({n});
        each_index.items.push_back({std::move(numbers)});
    }
    value::list each_slice;
    const auto bound = [](const std::optional<std::int64_t>& n) { return n ? value{*n} : value{}; };
    for (const slice& one : slices)
        each_slice.items.push_back({value::tuple{{bound(one.begin), bound(one.end), value{one.step}}}});
    if (!indices.empty()) put("indices", std::move(each_index));
    if (!slices.empty()) put("slices", std::move(each_slice));
    if (!where.empty()) put("where", where);
    return {std::move(all)};
}

inline chosen_elements chosen_elements::from_value(const value& given) {
    const auto* const all = std::get_if<value::dict>(&given.data);
    if (all == nullptr) throw error("expected a dict of indices, slices and where");
    chosen_elements chosen;
    for (const auto& [name, each] : all->items) {
        if (name.text() == "where") {
            chosen.where = each.text();
        } else if (name.text() == "indices") {
            for (const value& index : each.items()) {
                auto& numbers = chosen.indices.emplace_back();
                for (const value& n : index.items()) numbers.push_back(n.integer());
            }
            if (chosen.indices.empty()) throw error("no indices");
        } else if (name.text() == "slices") {
            for (const value& one : each.items()) {
                const auto& parts = one.items();
                if (parts.size() != 3) throw error("a slice is three numbers");
                slice& made = chosen.slices.emplace_back();
                if (!parts[0].is_none()) made.begin = parts[0].integer();
                if (!parts[1].is_none()) made.end = parts[1].integer();
                if (!parts[2].is_none()) made.step = parts[2].integer();
                if (made.step < 1) throw error("a slice of elements has a step of at least 1");
            }
        } else {
            throw error("there are indices, slices and where");
        }
    }
    return chosen;
}

} // namespace motet
