// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/reference.hpp>

#if MOTET_BODIES

#include <stdexcept>
#include <string>

/// Structs that say themselves what scripts find in them (own_access.hpp), as references see them.
namespace motet::inline MOTET_VARIANT::script {

/// Runs C++ of the program that may not wait, as part of the chare whose script runs.
inline void run_program_code(void (*code)(void* state), void* state);
/// A value made with new becomes Python's.
inline py::object own(const type_description& type, void* value, std::string called);

/// The same, with what it throws as Python's exceptions. `missing`: of what is not there.
template <class F>
void in_program(PyObject* missing, F&& f) {
    try {
        run_program_code([](void* state) { (*static_cast<std::remove_reference_t<F>*>(state))(); }, &f);
    } catch (const py::error_already_set&) {
        throw;
    } catch (const no_such_path& e) {
        raise(missing, e.what());
    } catch (const std::out_of_range& e) {
        raise(PyExc_IndexError, e.what());
    } catch (const std::invalid_argument& e) {
        raise(PyExc_ValueError, e.what());
    } // the others: see guarded
}

/// A name, or a tuple of steps from number `first` on, as a path. Names that begin with two underscores are Python's.
inline script_path path_of(PyObject* steps, Py_ssize_t first = 0) {
    script_path path;
    if (!PyTuple_Check(steps)) {
        path.steps.push_back(to_value(steps));
        return path;
    }
    for (Py_ssize_t i = first; i < PyTuple_GET_SIZE(steps); ++i)
        path.steps.push_back(to_value(PyTuple_GET_ITEM(steps, i)));
    return path;
}
inline bool is_pythons_own(const script_path& path) {
    const auto* name = path.steps.empty() ? nullptr : std::get_if<std::string>(&path.steps[0].data);
    return name != nullptr && name->starts_with("__");
}

inline const reflect::own_access* own_access_of(const reference& r) {
    return r.type->kind == kind::structure ? r.type->access->own : nullptr;
}

/// What the struct itself says to be there; empty: nothing.
inline py::object own_read(reference& r, PyObject* steps, PyObject* missing, Py_ssize_t first = 0) {
    const auto* const can = own_access_of(r);
    if (can == nullptr || can->read == nullptr) return {};
    const script_path where = path_of(steps, first);
    if (is_pythons_own(where)) return {};
    if (can->read_changes) r.within->move_on();
    void* const object = address_of(r);
    void* made = nullptr;
    in_program(missing, [&] { made = can->read(object, where); });
    if (made == nullptr) return {};
    return script::own(*can->read_type, made, where.text());
}

/// Whether the struct itself takes the value. Raises AttributeError for a struct that only says what can be read.
inline bool own_write(reference& r, PyObject* steps, PyObject* given, PyObject* missing, Py_ssize_t first = 0) {
    const auto* const can = own_access_of(r);
    if (can == nullptr) return false;
    const script_path where = path_of(steps, first);
    if (r.frozen) raise(PyExc_AttributeError, where.text() + " is read-only");
    bool taken = false;
    if (can->write != nullptr) {
        const value what = to_value(given);
        r.within->move_on();
        void* const object = address_of(r);
        in_program(missing, [&] { taken = can->write(object, where, what); });
    }
    if (!taken && can->reads_all) raise(PyExc_AttributeError, where.text() + " is read-only");
    return taken;
}

inline bool own_write_takes(const type_description& type, void* object, std::string_view name, PyObject* given) {
    if (type.access->own == nullptr || type.access->own->write == nullptr) return false;
    const script_path where{{value{std::string(name)}}};
    const value what = to_value(given);
    bool taken = false;
    in_program(PyExc_AttributeError, [&] { taken = type.access->own->write(object, where, what); });
    return taken;
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
