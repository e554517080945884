// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/call.hpp>
#include <motet/script/execute.hpp>

#if MOTET_BODIES

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// How the results of a request at many chares become one, on the way up the tree of PEs.
namespace motet::inline MOTET_VARIANT::script {

/// The functions in Python that put results together. Made by prepare_python.
inline void prepare_reducers(py::dict& names) {
    run_own_python(R"py(
import numpy

def _of_arrays(for_arrays, for_others):
    return lambda a, b: (for_arrays if isinstance(a, numpy.ndarray) or isinstance(b, numpy.ndarray) else for_others)(a, b)

def _truth(x): return x.astype(bool) if isinstance(x, numpy.ndarray) else bool(x)

def _distinct(all):
    try: return sorted(set(all))
    except TypeError: return list(dict.fromkeys(all))

_same = lambda x: x
# By name: what the result of one counts as, what becomes of two, and what the last one stands for.
_reducers = {
    "sum": (_same, lambda a, b: a + b, _same),
    "product": (_same, lambda a, b: a * b, _same),
    "min": (_same, _of_arrays(numpy.minimum, min), _same),
    "max": (_same, _of_arrays(numpy.maximum, max), _same),
    "any": (_truth, lambda a, b: a | b, _same),
    "all": (_truth, lambda a, b: a & b, _same),
    "count": (lambda x: int(numpy.count_nonzero(x)), lambda a, b: a + b, _same),
    "mean": (lambda x: (x, 1), lambda a, b: (a[0] + b[0], a[1] + b[1]), lambda a: a[0] / a[1]),
    "set": (lambda x: [x], lambda a, b: a + b, _distinct),
}

def reducer(how):
    """The three functions of a reducer: its name, an expression that is a function of two, or a packed function."""
    if isinstance(how, str):
        found = _reducers.get(how)
        if found: return found
        try: combine = eval(how, {"numpy": numpy, "np": numpy})
        except Exception as problem:
            raise ValueError(f"'{how}' is no reducer: there are {', '.join(_reducers)}, and expressions that are "
                             f"functions of two results ({type(problem).__name__}: {problem})") from None
    else:
        combine = unpacked(how)
    if not callable(combine): raise TypeError(f"the reducer {how!r} is no function of two results")
    return (_same, combine, _same)

def lifted(how, value): return reducer(how)[0](value)
def folded(how, values, last):
    _, combine, finish = reducer(how)
    all = values[0]
    for each in values[1:]: all = combine(all, each)
    return finish(all) if last else all
)py",
                   names);
}

struct folding {
    script_results& results;
    bool last;
    script_outcome made = {};

    void run() noexcept {
        try {
            const gil lock;
            try {
                py::list values;
                for (script_outcome& each : results.outcomes)
                    if (!each.failed()) values.append(from_value(std::exchange(each.result, {})));
                made.result = to_value((*helpers())["folded"](from_value(*results.across), values, last).ptr());
            } catch (py::error_already_set& problem) {
                take_error(made, problem);
            }
        } catch (const std::exception& problem) { // Python does not start
            made.error_type = "SystemError";
            made.error = problem.what();
        }
    }
};

/// Makes one of the results without an error, if there are any, and keeps some of the others.
inline void fold_now(runtime::pe& p, script_results& results, bool last) {
    folding f{results, last};
    const bool some = std::any_of(results.outcomes.begin(), results.outcomes.end(),
                                  [](const script_outcome& o) { return !o.failed(); });
    if (some) p.fibers->call_on_thread([](void* pointer) { static_cast<folding*>(pointer)->run(); }, &f);
    std::vector<script_outcome> few;
    for (script_outcome& each : results.outcomes) {
        f.made.output += std::exchange(each.output, {});
        f.made.sent_ahead += std::exchange(each.sent_ahead, 0);
        if (!each.failed()) continue;
        if (few.size() < script_results::most_errors)
            few.push_back(std::move(each));
        else
            ++results.left_out;
    }
    if (some)
        few.insert(few.begin(), std::move(f.made));
    else if (!few.empty()) {
        few.front().output = std::move(f.made.output);
        few.front().sent_ahead = f.made.sent_ahead;
    }
    results.outcomes = std::move(few);
}

MOTET_INLINE void fold(runtime::pe& p, script_results& results) {
    // Arrays at once, since each may be large; of small values some, since each call of Python costs some microseconds.
    const auto& all = results.outcomes;
    const std::size_t good =
        static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [](const auto& o) { return !o.failed(); }));
    const bool large = good > 1 && std::holds_alternative<value::array>(all.back().result.data);
    if (large || good >= 16 || all.size() - good > 2 * script_results::most_errors) fold_now(p, results, false);
}

MOTET_INLINE std::vector<script_outcome> finish_results(runtime::pe& p, script_results results) {
    auto& all = results.outcomes;
    if (!results.across) {
        std::sort(all.begin(), all.end(),
                  [](const script_outcome& a, const script_outcome& b) { return a.index < b.index; });
        return std::move(all);
    }
    fold_now(p, results, true);
    if (results.left_out != 0) {
        script_outcome rest;
        rest.error_type = "RuntimeError";
        rest.error = "and as much in " + std::to_string(results.left_out) + " more elements";
        all.push_back(std::move(rest));
    }
    return std::move(all);
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
