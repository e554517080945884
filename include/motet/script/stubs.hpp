// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/proxies.hpp>

#if MOTET_BODIES

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

/// What a program serves as declarations for editors and type checkers (.pyi): motet.stubs() in a script, `motet stubs`
/// in a shell.
namespace motet::inline MOTET_VARIANT::script {

class stub_writer {
public:
    /// The declarations of a served collection, or chare, and of the structs that it mentions for the first time.
    void add(const served& of) {
        const example_of example(of);
        const std::string type(example.type.short_name);
        const auto methods = runtime::registry::get<opened_type>(of.opened).methods();
        const bool many = of.kind != runtime::collection_kind::single;
        std::string one = "class element_of_" + type + "(element):\n" + fields(example.type, example.object, false);
        std::string all = "class collection_of_" + type + "(collection):\n    def __getitem__(self, index: Any) -> " +
                          "element_of_" + type + " | collection_of_" + type + ": ...\n" +
                          fields(example.type, example.object, true);
        for (const script_method& method : methods) {
            std::string given;
            for (std::size_t i = 0; i < method.arguments->parts.size(); ++i)
                given += ", argument" + std::to_string(i + 1) + ": " + argument(*method.arguments->parts[i]);
            if (!given.empty()) given += ", /";
            const std::string result = method.result != nullptr ? python_type(*method.result) : "None";
            const auto line = [&](const std::string& gives) {
                return "    def " + std::string(method.name) + "(self" + given + ") -> " + gives + ": ...\n";
            };
            one += line(result);
            all += line("results[" + result + "]");
        }
        while (!waiting.empty()) {
            const type_description* const next = waiting.back();
            waiting.pop_back();
            void* const object = next->access->make != nullptr ? next->access->make() : nullptr;
            text += "class " + std::string(next->short_name) + ":\n";
            text += object != nullptr ? fields(*next, object, false) : "    ...\n";
            if (object != nullptr) next->access->destroy(object);
        }
        if (std::find(chares.begin(), chares.end(), &example.type) == chares.end()) text += one + all;
        chares.push_back(&example.type);
        if (is_name(of.name)) text += of.name + (many ? ": collection_of_" : ": element_of_") + type + "\n";
    }
    const std::string& result() const { return text; }

private:
    static bool is_name(const std::string& name) {
        return !name.empty() && PyUnicode_IsIdentifier(text_to_python(name).ptr()) == 1;
    }

    std::string fields(const type_description& type, void* object, bool of_all) {
        std::string lines;
        for (const auto& field : type.fields) {
            if (find_field(type, object, field.name) == nullptr) continue;
            const std::string name(field.name);
            const std::string of = of_all ? "numpy.ndarray" : python_type(*field.type);
            const bool open = may_be_changed(type, object, field.index);
            lines += open ? "    " + name + ": " + of : "    @property\n    def " + name + "(self) -> " + of + ": ...";
            lines += "  # " + field_about(type, object, field) + "\n";
        }
        return lines.empty() ? "    ...\n" : lines;
    }
    /// A struct may be given as a dict.
    std::string argument(const type_description& type) {
        const std::string name = python_type(type);
        return type.kind == kind::structure ? name + " | dict[str, Any]" : name;
    }
    std::string python_type(const type_description& type) {
        const auto part = [&](std::size_t i) { return python_type(*type.parts[i]); };
        switch (type.kind) {
        case kind::boolean: return "bool";
        case kind::character:
        case kind::text: return "str";
        case kind::integer:
        case kind::enumeration: return "int";
        case kind::real: return "float";
        case kind::sequence:
            if (has_view(type)) return "numpy.ndarray";
            return (type.access->find != nullptr ? "set[" : "list[") + part(0) + "]";
        case kind::map: return "dict[" + part(0) + ", " + part(1) + "]";
        case kind::optional:
        case kind::pointer: return part(0) + " | None";
        case kind::tuple:
        case kind::variant: {
            std::string all;
            for (std::size_t i = 0; i < type.parts.size(); ++i)
                all += (i == 0 ? "" : type.kind == kind::tuple ? ", " : " | ") + part(i);
            return type.kind == kind::tuple ? "tuple[" + all + "]" : all;
        }
        case kind::structure:
            if (std::find(structs.begin(), structs.end(), &type) == structs.end()) {
                structs.push_back(&type);
                waiting.push_back(&type);
            }
            return std::string(type.short_name);
        case kind::opaque: return type.access->numbers == 2 ? "complex" : type.access->numbers == 1 ? "float" : "str";
        }
        return "Any";
    }

    std::string text;
    std::vector<const type_description*> structs;
    std::vector<const type_description*> waiting; ///< structs that are mentioned and not declared yet
    std::vector<const type_description*> chares;
};

/// _stubs(list of served)
inline PyObject* stubs_of(PyObject*, PyObject* handles) {
    return guarded([&] {
        stub_writer all;
        for (const py::handle each : py::reinterpret_borrow<py::list>(handles)) all.add(served_of(each.ptr()));
        return text_to_python(all.result()).release().ptr();
    });
}

inline void prepare_stubs(py::dict& names) {
    static PyMethodDef stubs{"_stubs", &stubs_of, METH_O, nullptr};
    names["_stubs"] = py::reinterpret_steal<py::object>(PyCFunction_New(&stubs, nullptr));
    run_own_python(R"py(
def stubs(*given):
    """Declarations of what is served (of these names, or all) for editors and type checkers: a .pyi file as text. Pyright
    takes the names for granted where it finds the file as __builtins__.pyi."""
    found = _served()
    for each in given:
        if each not in found: _of_program(each)
    return '''from typing import Any, Callable, Generic, Iterator, TypeVar
import numpy

_T = TypeVar("_T")
class future(Generic[_T]):
    ready: bool
    def wait(self) -> None: ...
    def get(self) -> _T: ...
class results(list[_T]):
    indices: list[Any]
    def items(self) -> list[tuple[Any, _T]]: ...
class element:
    index: Any
    def copy(self) -> dict[str, Any]: ...
    def erase(self) -> None: ...
class collection:
    def keys(self) -> list[Any]: ...
    def values(self) -> list[Any]: ...
    def items(self) -> list[tuple[Any, Any]]: ...
    def where(self, condition: str) -> Any: ...
    def map(self, function: Callable[..., Any], *arguments: Any) -> results[Any]: ...
    def reduce(self, what: Any, how: Any, *arguments: Any) -> Any: ...
    def insert(self, index: Any, fields: dict[str, Any] | None = None) -> None: ...
    def erase(self, index: Any) -> None: ...
    def __delitem__(self, index: Any) -> None: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __contains__(self, index: Any) -> bool: ...
''' + _stubs([type(each)._served for name, each in found.items()
            if (name in given if given else name != "main") and not isinstance(each, _lent)])
_module.stubs = stubs
)py",
                   names);
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
