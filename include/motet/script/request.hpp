// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/value.hpp>

#include <cstdint>
#include <string>
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
    std::string over = {};    ///< with `iterate`: the field that is a range
};

/// What a script did in one chare.
struct script_outcome {
    std::vector<std::int64_t> index; ///< of the element; empty where there is none
    value result;                    ///< of the last expression; of iterating: the list of what was returned
    std::string output;              ///< what it printed
    std::string error_type;          ///< name of the Python exception; empty: there was none
    std::string error;               ///< its text
    std::string traceback;
    bool failed() const { return !error_type.empty(); }
};

/// An Execute: where a script is to run, and what.
struct execute_request {
    std::string name;                ///< under which the collection is served
    std::vector<std::int64_t> index; ///< of one element; empty: every element
    bool wait = true;                ///< answered when the script has ended; else at once, with the handle
    script_request script;
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

/// What is served.
struct list_request {};

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
};

} // namespace motet
