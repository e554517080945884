// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/proxy_answers.hpp>

#if MOTET_BODIES

#include <string>
#include <utility>
#include <vector>

/// What there is to know of what is served: names, types and docstrings, from the description of its type.
namespace motet::inline MOTET_VARIANT::script {

/// A chare by default, for what only an object tells: its policies.
class example_of {
public:
    explicit example_of(const served& of) : type(of.type_of_chares().describe()), object(type.access->make()) {}
    example_of(const example_of&) = delete;
    example_of& operator=(const example_of&) = delete;
    ~example_of() { type.access->destroy(object); }

    const type_description& type;
    void* object;
};

inline std::string method_about(const script_method& method) {
    std::string text = method.result != nullptr ? std::string(method.result->name) : "void";
    text += " " + std::string(method.name) + "(";
    for (std::size_t i = 0; i < method.arguments->parts.size(); ++i)
        text += (i == 0 ? "" : ", ") + std::string(method.arguments->parts[i]->name);
    return text + ")";
}

/// _facts(served): name, kind, type, fields (name, doc, whether it can be assigned), methods (name, signature, doc),
/// text
inline PyObject* facts_of(PyObject*, PyObject* handle) {
    return guarded([&] {
        const served& of = served_of(handle);
        const example_of example(of);
        py::list fields;
        py::list methods;
        std::string about = "Fields:\n";
        for (const auto& field : example.type.fields) {
            if (find_field(example.type, example.object, field.name) == nullptr) continue;
            const bool open = may_be_changed(example.type, example.object, field.index);
            const std::string text = field_about(example.type, example.object, field);
            about += "  " + std::string(field.name) + ": " + text + "\n";
            fields.append(py::make_tuple(std::string(field.name), text, open));
        }
        const auto all = runtime::registry::get<opened_type>(of.opened).methods();
        if (!all.empty()) about += "Methods:\n";
        for (const script_method& method : all) {
            about += "  " + signature(method) + "\n";
            methods.append(py::make_tuple(std::string(method.name), signature(method),
                                          signature(method) + "\n\nC++: " + method_about(method)));
        }
        const auto* const own = example.type.access->own;
        if (own != nullptr && own->read != nullptr) about += "It may say itself what else can be read.\n";
        return py::make_tuple(text_to_python(of.name), of.kind_text(), of.type, fields, methods, about,
                              own != nullptr && own->read != nullptr, own != nullptr && own->write != nullptr)
            .release()
            .ptr();
    });
}

/// _dimensions(served): numbers of an index
inline PyObject* dimensions_of(PyObject*, PyObject* handle) {
    return guarded([&] { return number(served_of(handle).type_of_chares().coordinates({}).size()); });
}

/// _extent(served): of a dense array or a group, as far as this PE knows; else None
inline PyObject* extent_of(PyObject*, PyObject* handle) {
    return guarded([&]() -> PyObject* {
        const served& of = served_of(handle);
        running_script& s = this_script("this");
        if (of.kind == runtime::collection_kind::group) return py::make_tuple(s.p.job.pe_total()).release().ptr();
        if (of.kind == runtime::collection_kind::node_group)
            return py::make_tuple(s.p.job.process_total()).release().ptr();
        const runtime::part* const c = runtime::local_chares::of(s.p).find(s.p, of.collection);
        if (c == nullptr || !c->info->dense) return none();
        const auto numbers = c->type->coordinates(c->info->extent);
        py::tuple all(numbers.size());
        for (std::size_t i = 0; i < numbers.size(); ++i) all[i] = numbers[i];
        return all.release().ptr();
    });
}

/// What stands at a path in the chares, going by their type; null where only the value tells.
inline const type_description* type_at(const type_description& of, PyObject* steps) {
    const type_description* at = &of;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(steps); ++i) {
        PyObject* const each = PyTuple_GET_ITEM(steps, i);
        const type_description* next = nullptr;
        if (at->kind == kind::structure && PyUnicode_Check(each)) {
            const std::string name = text_argument(each);
            for (const auto& field : at->fields)
                if (field.name == name) next = field.type;
        } else if (at->kind == kind::sequence) {
            next = at->parts[0];
        } else if (at->kind == kind::map) {
            next = at->parts[1];
        }
        if (next == nullptr) return nullptr;
        at = next;
    }
    return at;
}

/// _kind_of(served, path): "struct", "list", "set" or "dict", of which a proxy reads parts; "value" what it fetches
inline PyObject* kind_at(PyObject*, PyObject* arguments) {
    return guarded([&] {
        PyObject* handle = nullptr;
        PyObject* steps = nullptr;
        check(PyArg_ParseTuple(arguments, "OO!", &handle, &PyTuple_Type, &steps) != 0);
        const type_description* const type = type_at(served_of(handle).type_of_chares().describe(), steps);
        const char* what = "value";
        if (type != nullptr && type->kind == kind::structure) what = "struct";
        if (type != nullptr && type->kind == kind::map) what = "dict";
        if (type != nullptr && type->kind == kind::sequence && !has_view(*type))
            what = type->access->find != nullptr ? "set" : "list";
        return PyUnicode_FromString(what);
    });
}

/// _fields_at(served, path): the names of the fields of a struct
inline PyObject* fields_at(PyObject*, PyObject* arguments) {
    return guarded([&] {
        PyObject* handle = nullptr;
        PyObject* steps = nullptr;
        check(PyArg_ParseTuple(arguments, "OO!", &handle, &PyTuple_Type, &steps) != 0);
        py::list all;
        if (const auto* type = type_at(served_of(handle).type_of_chares().describe(), steps);
            type != nullptr && type->kind == kind::structure && type->access->make != nullptr) {
            void* const object = type->access->make();
            for (const auto& field : type->fields)
                if (find_field(*type, object, field.name) != nullptr) all.append(text_to_python(field.name));
            type->access->destroy(object);
        }
        return all.release().ptr();
    });
}

/// _typed(served, method, result): a struct as what it is, with its fields as attributes
inline PyObject* typed_result(PyObject*, PyObject* arguments) {
    return guarded([&]() -> PyObject* {
        PyObject* handle = nullptr;
        const char* name = nullptr;
        PyObject* result = nullptr;
        check(PyArg_ParseTuple(arguments, "OsO", &handle, &name, &result) != 0);
        for (const script_method& method : runtime::registry::get<opened_type>(served_of(handle).opened).methods()) {
            if (method.name != name || method.result == nullptr || method.result->kind != kind::structure) continue;
            void* const made = method.result->access->make != nullptr ? method.result->access->make() : nullptr;
            if (made == nullptr) break;
            try {
                from_python(*method.result, made, result, {});
            } catch (const does_not_fit&) { // of a read-only field: as it came
                method.result->access->destroy(made);
                break;
            }
            return own(*method.result, made, "the result of " + std::string(name)).release().ptr();
        }
        return Py_NewRef(result);
    });
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
