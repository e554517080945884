// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/range.hpp>
#include <motet/script/returned.hpp>

#if MOTET_BODIES

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

/// Iterate mode (Charm++ manual, section 26.4): a function is called for each element of a range, which it may change.
///
/// 1. The path of the request leads from the chare to *targets*: containers, or walks that a struct's own `range` gives
///    (it is asked before the field of that name). A path through containers ("cells.particles") has one target for
///    each of their elements; places count through all of them.
/// 2. `select` says which elements it is for: all, some places, or those for which a condition holds when their turn
///    comes.
/// 3. The function may change containers: an element that is gone when its turn comes is left out. Where a walk of the
///    program's own goes through the chare it may not, for nobody knows what the walk has in hand.
/// 4. Vectorized, the function is called once. It gets the array that the elements lie in, or one array of the selected
///    ones, from which they are put back; a list of references where elements are more than numbers; or what a walk
///    offers as all of its elements.
namespace motet::inline MOTET_VARIANT::script {

/// An iterate request under way.
class [[gnu::visibility("hidden")]] iteration {
public:
    iteration(space& in, const script_request& what) : s(in), request(what), results(in, what.reduce) {
        PyObject* const found = PyDict_GetItemString(s.variables.ptr(), request.method.c_str());
        if (found == nullptr || PyCallable_Check(found) == 0)
            raise(PyExc_NameError, "there is no function '" + request.method +
                                       "' to iterate with: define it in the code, or name one of a persistent "
                                       "interpreter");
        function = py::reinterpret_borrow<py::object>(found);
        if (const auto* text = std::get_if<std::string>(&request.select.data))
            condition = (*helpers())["condition"](text_to_python(*text), function, s.variables);
        else
            select = from_value(request.select);
        const bool is_slice = std::holds_alternative<value::tuple>(request.select.data);
        if (is_slice) {
            if (PyTuple_GET_SIZE(select.ptr()) != 3) wrong_selection();
            select = py::reinterpret_steal<py::object>(PySlice_New(PyTuple_GET_ITEM(select.ptr(), 0),
                                                                   PyTuple_GET_ITEM(select.ptr(), 1),
                                                                   PyTuple_GET_ITEM(select.ptr(), 2)));
        } else if (!condition && !select.is_none() && PyList_Check(select.ptr()) == 0 &&
                   !py::isinstance<py::array>(select)) {
            wrong_selection();
        }
        find_targets(self_of(s), request.over);
        generation = s.chare->generation;
        walks = std::any_of(targets.begin(), targets.end(), [](const target& each) { return each.walk != nullptr; });
    }

    py::object run() {
        if (request.vectorized) return vectorized();
        if (walks)
            walk_all();
        else if (selects_places())
            for (const std::size_t place : places()) visit(place);
        else
            for (const target& each : targets) visit_all(each);
        return results.done();
    }

private:
    [[noreturn]] static void wrong_selection() {
        raise(PyExc_TypeError, "select is a list of places, a slice (start, stop, step), or a condition as text");
    }
    bool selects_places() const { return !condition && !select.is_none(); }

    /// Step 1. `rest`: the path from `at` on.
    void find_targets(const py::object& at, std::string_view rest) {
        if (at.is_none()) return; // an optional or a pointer that holds nothing
        if (is_reference(at.ptr())) {
            reference& r = ref(at.ptr());
            const auto* const own = own_access_of(r);
            if (own != nullptr && own->range != nullptr) {
                s.chare->move_on();
                void* const object = address_of(r);
                target made{{}, at, nullptr};
                const range_request asked{std::string(rest), request.parameters};
                in_program(PyExc_AttributeError, [&] { made.walk = own->range(object, asked); });
                if (made.walk) return targets.push_back(std::move(made));
            }
        }
        py::object container = container_behind(at);
        if (rest.empty()) {
            if (!container) no_range();
            targets.push_back({std::move(container), {}, nullptr});
            if (py::isinstance<py::array>(at)) targets.back().shown = at;
        } else if (container) {
            element_finder elements(ref(container.ptr()));
            for (std::size_t i = 0; i < size_of(ref(container.ptr())); ++i) find_targets(elements.at(i), rest);
        } else {
            const std::size_t end = std::min(rest.find('.'), rest.size());
            const auto next = py::reinterpret_steal<py::object>(
                PyObject_GetAttr(at.ptr(), text_to_python(rest.substr(0, end)).ptr()));
            check(static_cast<bool>(next));
            find_targets(next, rest.substr(std::min(end + 1, rest.size())));
        }
    }
    [[noreturn]] void no_range() const {
        raise(PyExc_TypeError, "'" + request.over + "' is no range to iterate over; the ranges of " + s.chare->name +
                                   " are: " + range_names(*s.chare->type, s.chare->object));
    }

    /// Step 2: the places that are selected, of all targets.
    std::vector<std::size_t> places() {
        for (const target& each : targets) begins.push_back(begins.back() + size_of(ref(each.container.ptr())));
        const auto total = static_cast<Py_ssize_t>(begins.back());
        std::vector<std::size_t> chosen;
        if (PySlice_Check(select.ptr())) {
            Py_ssize_t start = 0;
            Py_ssize_t stop = 0;
            Py_ssize_t stride = 0;
            check(PySlice_Unpack(select.ptr(), &start, &stop, &stride) == 0);
            const Py_ssize_t count = PySlice_AdjustIndices(total, &start, &stop, stride);
            for (Py_ssize_t i = 0; i < count; ++i) chosen.push_back(static_cast<std::size_t>(start + i * stride));
            return chosen;
        }
        const py::object items = py::isinstance<py::array>(select) ? select.attr("tolist")() : select;
        if (PyList_Check(items.ptr()) == 0) wrong_selection();
        const Py_ssize_t count = PyList_GET_SIZE(items.ptr());
        for (Py_ssize_t i = 0; i < count; ++i) {
            PyObject* const each = PyList_GET_ITEM(items.ptr(), i);
            if (PyBool_Check(each)) {
                if (count != total)
                    raise(PyExc_IndexError, "select has " + std::to_string(count) + " bools, and there are " +
                                                std::to_string(total) + " elements");
                if (each == Py_True) chosen.push_back(static_cast<std::size_t>(i));
                continue;
            }
            const Py_ssize_t given = place_in(each);
            const Py_ssize_t place = given < 0 ? given + total : given;
            if (place < 0 || place >= total)
                raise(PyExc_IndexError,
                      "select: index " + std::to_string(given) + ", and there are " + std::to_string(total));
            chosen.push_back(static_cast<std::size_t>(place));
        }
        return chosen;
    }

    /// Which target a selected place lies in.
    std::size_t target_of(std::size_t place) const {
        const auto after = std::upper_bound(begins.begin(), begins.end(), place);
        return static_cast<std::size_t>(after - begins.begin()) - 1;
    }

    bool is_chosen(PyObject* element) const {
        if (!condition) return true;
        const auto answer =
            py::reinterpret_steal<py::object>(PyObject_Vectorcall(condition.ptr(), &element, 1, nullptr));
        check(static_cast<bool>(answer));
        const int yes = PyObject_IsTrue(answer.ptr());
        check(yes >= 0);
        return yes != 0;
    }
    py::object call(PyObject* element) const {
        auto result = py::reinterpret_steal<py::object>(PyObject_Vectorcall(function.ptr(), &element, 1, nullptr));
        check(static_cast<bool>(result));
        return result;
    }

    /// What the function has returned for an element of a container.
    void take(reference& container, std::size_t place, py::object result) {
        if (!results.stores()) return results.take(std::move(result));
        if (result.is_none()) return;
        if (container.type->kind == kind::map || container.type->access->find != nullptr)
            impossible(container, "have the elements replaced that a function is called for");
        set_item(container, place, result.ptr());
    }

    void visit(std::size_t place) {
        const std::size_t which = target_of(place);
        reference& container = ref(targets[which].container.ptr());
        const std::size_t within = place - begins[which];
        if (within >= size_of(container)) return; // step 3
        if (!finder || finder_of != which) finder = std::make_unique<element_finder>(container);
        finder_of = which;
        take(container, within, call(finder->next(within).ptr()));
    }

    void visit_all(const target& of) {
        reference& r = ref(of.container.ptr());
        element_finder elements(r);
        for (std::size_t i = 0; i < size_of(r); ++i) { // the function may change how many there are
            PyObject* const each = elements.next(i).ptr();
            if (is_chosen(each)) take(r, i, call(each));
        }
    }

    // Walks.

    /// Step 3: until the next element, what the walk has in hand must stay where it is.
    class [[gnu::visibility("hidden")]] standing_still {
    public:
        explicit standing_still(const space& in) : s(in), before(in.chare->moves) {}
        void check() const {
            if (s.chare->moves == before) return;
            raise(PyExc_RuntimeError,
                  "while a range of its own is gone through, the function may not change containers of " +
                      s.chare->name + ", or call its methods: do that after");
        }

    private:
        const space& s;
        std::uint64_t before;
    };

    void walk_all() {
        if (results.stores()) raise(PyExc_TypeError, "reduce: nothing can be stored in a struct's own range");
        counted_places chosen(select);
        Py_ssize_t place = -1;
        const standing_still still(s);
        for (const target& each : targets) {
            if (each.container) {
                element_finder elements(ref(each.container.ptr()));
                for (std::size_t i = 0; i < size_of(ref(each.container.ptr())); ++i) {
                    if (!chosen.takes(++place)) continue;
                    const py::object element = elements.at(i);
                    if (is_chosen(element.ptr())) results.take(call(element.ptr()));
                    still.check();
                }
            } else {
                walk_one(*each.walk, chosen, place, still);
            }
        }
        chosen.at_the_end(place + 1);
    }

    void walk_one(reflect::element_walk& walk, counted_places& chosen, Py_ssize_t& place, const standing_still& still) {
        const type_description& type = walk.element();
        std::shared_ptr<scope> within;
        while (chosen.more_after(place)) {
            void* found = nullptr;
            s.chare->look_again();
            in_program(PyExc_LookupError, [&] { found = walk.next(); });
            if (found == nullptr) break;
            if (!chosen.takes(++place)) continue;
            if (!within || within.use_count() != 1)
                within = std::make_shared<scope>(nullptr, type, "an element of " + s.chare->name);
            within->open_in(*s.chare, found);
            struct closing {
                scope& it;
                ~closing() { it.close(); }
            } const closed{*within};
            const py::object element = to_python(type, found, within, {});
            if (!is_chosen(element.ptr())) continue;
            py::object result = call(element.ptr());
            still.check();
            const value given = to_value(result.ptr());
            bool taken = false;
            in_program(PyExc_LookupError, [&] { taken = walk.take(given); });
            if (!taken) results.take(std::move(result));
        }
        finish(walk);
    }
    /// What a walk says at its end comes in place of what was returned.
    void finish(reflect::element_walk& walk) {
        std::unique_ptr<value> last;
        in_program(PyExc_LookupError, [&] { last = walk.result(); });
        if (last) results.take(from_value(*last));
    }

    // Step 4.

    py::object array_of(const target& each) const {
        reference& r = ref(each.container.ptr());
        return view_of(*r.type, address_of(r), r.within, each.container, r.frozen);
    }
    static PyObject* fresh_arrays(PyObject* self, PyObject*) {
        return guarded([&] {
            const auto& me = *static_cast<const iteration*>(PyCapsule_GetPointer(self, nullptr));
            py::list all;
            for (const target& each : me.targets) all.append(me.array_of(each));
            return all.release().ptr();
        });
    }

    py::object vectorized() {
        if (walks) return vectorized_walk();
        if (targets.empty()) return results.done();
        const bool arrays = std::all_of(targets.begin(), targets.end(),
                                        [](const target& t) { return has_view(*ref(t.container.ptr()).type); });
        if (!arrays) return vectorized_list();
        if (targets.size() == 1 && select.is_none() && !condition && !results.stores()) return vectorized_in_place();
        static PyMethodDef fresh{"arrays", &fresh_arrays, METH_NOARGS, nullptr};
        const auto me = py::reinterpret_steal<py::object>(PyCapsule_New(this, nullptr, nullptr));
        const auto get = py::reinterpret_steal<py::object>(PyCFunction_New(&fresh, me.ptr()));
        py::object result =
            (*helpers())["vectorized"](function, get, dtype_of(*ref(targets[0].container.ptr()).type->parts[0]), select,
                                       condition ? condition : py::none(), results.stores());
        return taken(std::move(result));
    }
    /// The most frequent case, of which `vectorized` in Python is the general one.
    py::object vectorized_in_place() {
        reference& r = ref(targets[0].container.ptr());
        const std::size_t before = size_of(r);
        const bool as_found = targets[0].shown && s.chare->generation == generation;
        py::object result = call((as_found ? targets[0].shown : array_of(targets[0])).ptr());
        if (!r.frozen && size_of(r) != before)
            raise(PyExc_RuntimeError,
                  "the function changed how many elements there are: what it has changed in them is lost");
        return taken(std::move(result));
    }
    /// One call, one result: what reduces it has nothing else to add.
    py::object taken(py::object result) {
        if (results.collects() || results.stores()) return result;
        results.take(std::move(result));
        return results.done();
    }

    py::object vectorized_list() {
        if (targets.size() == 1 && select.is_none() && !condition) return taken(call(targets[0].container.ptr()));
        py::list all;
        std::vector<std::unique_ptr<element_finder>> finders;
        if (selects_places()) {
            for (const target& each : targets)
                finders.push_back(std::make_unique<element_finder>(ref(each.container.ptr())));
            for (const std::size_t place : places()) {
                const std::size_t which = target_of(place);
                all.append(finders[which]->at(place - begins[which]));
            }
        } else {
            for (const target& each : targets) {
                reference& r = ref(each.container.ptr());
                element_finder elements(r);
                for (std::size_t i = 0; i < size_of(r); ++i) {
                    const py::object element = elements.at(i);
                    if (is_chosen(element.ptr())) all.append(element);
                }
            }
        }
        if (results.stores()) raise(PyExc_TypeError, "reduce: '" + request.over + "' is no array to store numbers in");
        return taken(call(all.ptr()));
    }

    py::object vectorized_walk() {
        if (targets.size() != 1 || !select.is_none() || condition)
            raise(PyExc_TypeError, "a struct's own range is given to a vectorized function as a whole: select in the "
                                   "function, or by the parameters of the range");
        reflect::element_walk& walk = *targets[0].walk;
        void* object = nullptr;
        const type_description* const type = walk.all(object);
        if (type == nullptr)
            raise(PyExc_TypeError, "this range of the program's own is gone through one by one only: it has no `read` "
                                   "that says what all of its elements have");
        const auto within = std::make_shared<scope>(nullptr, *type, "a range of " + s.chare->name);
        within->open_in(*s.chare, object);
        struct closing {
            scope& it;
            ~closing() { it.close(); }
        } const closed{*within};
        const standing_still still(s);
        const py::object all = to_python(*type, object, within, {});
        py::object result = call(all.ptr());
        still.check();
        const value given = to_value(result.ptr());
        bool took = false;
        std::unique_ptr<value> last;
        in_program(PyExc_LookupError, [&] {
            took = walk.take(given);
            last = walk.result();
        });
        if (last) return from_value(*last);
        return took ? py::none() : taken(std::move(result));
    }

    space& s;
    const script_request& request;
    returned_values results;
    py::object function;
    py::object condition; ///< null: there is none
    py::object select = py::none();
    std::vector<target> targets;
    std::uint64_t generation = 0; ///< of the chare, when they were found
    bool walks = false;
    std::vector<std::size_t> begins{0}; ///< the places that the targets begin at, and the end
    std::unique_ptr<element_finder> finder;
    std::size_t finder_of = 0;
};

inline py::object iterate(space& s, const script_request& request) { return iteration(s, request).run(); }

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
