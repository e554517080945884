// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/ck.hpp>

#if MOTET_BODIES

#include <cstddef>
#include <string>
#include <utility>

namespace motet::inline MOTET_VARIANT::script {

/// What becomes of what the function returns.
class [[gnu::visibility("hidden")]] returned_values {
public:
    returned_values(const space& s, const std::string& reduce) : how(reduce) {
        if (how.empty() || how == "store" || how == "any" || how == "all" || how == "count") return;
        const py::dict known = (*helpers())["reducers"];
        PyObject* found = PyDict_GetItemString(known.ptr(), how.c_str());
        if (found == nullptr) found = PyDict_GetItemString(s.variables.ptr(), how.c_str());
        if (found == nullptr || PyCallable_Check(found) == 0)
            raise(PyExc_NameError,
                  "reduce: '" + how +
                      "' is none of sum, product, min, max, any, all, count, store, and no function of "
                      "the script");
        combine = py::reinterpret_borrow<py::object>(found);
    }
    bool stores() const { return storing; }
    bool collects() const { return how.empty(); }

    void take(py::object result) {
        if (how.empty()) {
            if (!something && result.is_none()) { // most functions return nothing, and that is all
                ++nones;
                return;
            }
            for (; nones != 0; --nones) all.append(py::none());
            something = true;
            all.append(std::move(result));
        } else if (!result.is_none()) {
            if (combine) {
                combined = combined ? combine(combined, result) : std::move(result);
            } else {
                const int yes = PyObject_IsTrue(result.ptr());
                check(yes >= 0);
                ++(yes != 0 ? truths : untruths);
            }
        }
    }
    py::object done() const {
        if (how.empty()) return something ? py::object(all) : py::none();
        if (how == "any") return py::bool_(truths != 0);
        if (how == "all") return py::bool_(untruths == 0);
        if (how == "count") return py::int_(truths);
        if (combined) return combined;
        if (how == "sum") return py::int_(0);
        if (how == "product") return py::int_(1);
        return py::none();
    }

private:
    std::string how;
    bool storing = how == "store";
    py::object combine;
    py::object combined;
    py::list all;
    bool something = false;
    std::size_t nones = 0; ///< before there was something
    std::size_t truths = 0;
    std::size_t untruths = 0;
};

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
