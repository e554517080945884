// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/ck.hpp>

#if MOTET_BODIES

#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

/// What iterate mode goes over (iterate.hpp).
namespace motet::inline MOTET_VARIANT::script {

/// Where elements come from. A container, or a walk.
struct [[gnu::visibility("hidden")]] target {
    py::object container;
    py::object walked; ///< the struct that the walk goes through: it may be a value that a `read` has made
    std::unique_ptr<reflect::element_walk> walk;
    py::object shown = {}; ///< the array that the container was found through
};

/// A place, as a selection gives it.
inline Py_ssize_t place_in(PyObject* given) {
    const Py_ssize_t place = PyNumber_AsSsize_t(given, PyExc_IndexError);
    if (place == -1) check(PyErr_Occurred() == nullptr);
    return place;
}

/// The names of what can be iterated over.
inline std::string range_names(const type_description& type, void* object) {
    std::string all;
    for (const auto& field : type.fields)
        if ((field.type->kind == kind::sequence || field.type->kind == kind::map) &&
            find_field(type, object, field.name) != nullptr)
            all += (all.empty() ? "" : ", ") + std::string(field.name);
    return all.empty() ? "none" : all;
}

/// The container reference behind what a field gives: a view knows its list. Empty: it is no container.
inline py::object container_behind(const py::object& given) {
    py::object found = given;
    if (!is_reference(given.ptr()) && py::hasattr(given, "_list")) found = given.attr("_list");
    const bool good = is_reference(found.ptr()) &&
                      (ref(found.ptr()).type->kind == kind::sequence || ref(found.ptr()).type->kind == kind::map);
    return good ? found : py::object();
}

/// Goes through the elements of a container by place, without looking for each from the beginning.
class [[gnu::visibility("hidden")]] element_finder {
public:
    explicit element_finder(reference& in) : r(in) {}

    /// The element, or the mapped value, at a place that there is, until it is asked for another: the object that
    /// stands for one struct stands for the next, if nobody has kept it.
    const py::object& next(std::size_t place) {
        if (by_reference && each && Py_REFCNT(each.ptr()) == 1) {
            reference& e = ref(each.ptr());
            e.place = place;
            e.address = r.type->access->at(address_of(r), place);
            e.generation = r.within->generation;
        } else {
            each = at(place);
        }
        return each;
    }
    /// The same, to be kept.
    py::object at(std::size_t place) {
        // The elements of a std::vector<bool> have no address.
        if (r.type->kind == kind::sequence &&
            (r.type->access->at != nullptr || r.type->parts[0]->kind == kind::boolean))
            return item_at(r, place);
        if (!known || moves != r.within->moves) look();
        PyObject* const self = reinterpret_cast<PyObject*>(&r);
        if (r.type->kind == kind::map) {
            const py::object key =
                to_python(*r.type->parts[0], elements[place].first, r.within, {self, step::key, place, nullptr, true});
            return to_python(*r.type->parts[1], elements[place].second, r.within,
                             {self, step::mapped, 0, key.ptr(), r.frozen});
        }
        const bool is_set = r.type->access->find != nullptr;
        return to_python(*r.type->parts[0], elements[place].first, r.within,
                         {self, is_set ? step::key : step::element, place, nullptr, is_set || r.frozen});
    }

private:
    void look() {
        elements.clear();
        r.type->access->visit(address_of(r), &elements, [](void* all, void* element, void* mapped) {
            static_cast<std::vector<std::pair<void*, void*>>*>(all)->emplace_back(element, mapped);
            return true;
        });
        known = true;
        moves = r.within->moves;
    }

    reference& r;
    py::object each;
    const bool by_reference = r.type->kind == kind::sequence && r.type->access->at != nullptr &&
                              r.type->parts[0]->kind == kind::structure &&
                              r.type->parts[0] != &reflect::describe<value>();
    std::vector<std::pair<void*, void*>> elements;
    std::uint64_t moves = 0;
    bool known = false;
};

/// The places of a walk that are selected: it is gone through once, from its beginning.
class [[gnu::visibility("hidden")]] counted_places {
public:
    explicit counted_places(const py::object& select) {
        if (select.is_none()) return;
        all = false;
        if (PySlice_Check(select.ptr())) {
            check(PySlice_Unpack(select.ptr(), &start, &stop, &stride) == 0);
            if (stride < 1 || start < 0 || stop < 0) backwards();
            return;
        }
        is_list = true;
        const py::list items = py::isinstance<py::array>(select) ? select.attr("tolist")() : select;
        for (std::size_t i = 0; i < items.size(); ++i) {
            const py::object each = items[i];
            if (PyBool_Check(each.ptr()) && !each.cast<bool>()) continue;
            const Py_ssize_t place = PyBool_Check(each.ptr()) ? static_cast<Py_ssize_t>(i) : place_in(each.ptr());
            if (place < 0) backwards();
            listed.insert(place);
        }
    }
    bool takes(Py_ssize_t place) {
        if (all) return true;
        if (is_list) return listed.erase(place) != 0;
        return place >= start && place < stop && (place - start) % stride == 0;
    }
    bool more_after(Py_ssize_t place) const { return all || (is_list ? !listed.empty() : place + 1 < stop); }
    void at_the_end(Py_ssize_t count) const {
        if (!listed.empty())
            raise(PyExc_IndexError,
                  "select: index " + std::to_string(*listed.begin()) + ", and there are " + std::to_string(count));
    }

private:
    [[noreturn]] static void backwards() {
        raise(PyExc_IndexError, "select: a struct's own range is gone through once, from its beginning: places "
                                "count from there, and forwards");
    }
    bool all = true;
    bool is_list = false;
    Py_ssize_t start = 0;
    Py_ssize_t stop = 0;
    Py_ssize_t stride = 1;
    std::unordered_set<Py_ssize_t> listed;
};

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
