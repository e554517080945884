// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/reflect/describe.hpp>
#include <motet/script/lent.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

/// Objects whose fields are told one by one, by name: of a class with private members, and of memory that a program
/// keeps itself. To scripts they look like a struct.
namespace motet::inline MOTET_VARIANT::script {

/// Numbers in a row, or rows of rows, that belong to the program.
struct told_array {
    void* data = nullptr;
    std::vector<std::int64_t> shape; ///< in C order: the last direction is the one without gaps
    std::size_t element = 0;         ///< bytes
    std::size_t count() const {
        std::size_t all = 1;
        for (const std::int64_t n : shape) all *= static_cast<std::size_t>(n);
        return all;
    }
};

/// What scripts see of an object, in the order of telling.
class told_members {
public:
    struct member {
        std::string name;
        bool open = true;
        std::function<void*()> place;
        std::unique_ptr<told_array> array; ///< if it is one
        reflect::type_description type;    ///< of the array
    };

    std::deque<member> all;
    void* object = nullptr; ///< for methods

    void add(std::string name, bool open, const reflect::type_description& type, std::function<void*()> place);
    void add_array(std::string name, bool open, const reflect::type_description& element,
                   std::function<void(told_array&)> look);
    void add_method(const script_method& method) {
        methods.push_back(method);
        described = nullptr;
    }
    lent_object lent() {
        return {
            this,
            [](void* self) -> const reflect::type_description& { return static_cast<told_members*>(self)->describe(); },
            [](void* self) -> std::span<const script_method> {
                static_cast<told_members*>(self)->describe();
                return static_cast<told_members*>(self)->described_methods;
            }};
    }
    static void* locate(void* self, std::size_t index) { return static_cast<told_members*>(self)->all[index].place(); }

    std::string type_name;

private:
    /// What they are, as a struct. Python keeps it for ever, so it is never freed.
    const reflect::type_description& describe();

    const reflect::type_description* described = nullptr; ///< null: something has been told since
    std::span<const script_method> described_methods;
    std::vector<const reflect::type_description*> types;
    std::vector<script_method> methods;
};

/// A call of a method of the object, which is of type T.
template <class T, auto M>
struct told_call {
    static void* call(void* members, void* arguments, void* room) {
        T* const object = static_cast<T*>(static_cast<told_members*>(members)->object);
        return method_call<M>::call(static_cast<runtime::owner_of<M>*>(object), arguments, room);
    }
};

#if MOTET_BODIES

MOTET_INLINE void told_members::add(std::string name, bool open, const reflect::type_description& type,
                                    std::function<void*()> place) {
    all.push_back({std::move(name), open, std::move(place), nullptr, {}});
    types.push_back(&type);
    described = nullptr;
}

inline std::string told_array_text(const void* value, std::size_t) {
    std::string text = "an array of ";
    for (const std::int64_t n : static_cast<const told_array*>(value)->shape) text += std::to_string(n) + " x ";
    return text.substr(0, text.size() - 3);
}

/// What can be done with a told_array.
inline const reflect::access& access_to_told(bool open) {
    static constexpr auto made = [](bool constant) {
        reflect::access a{};
        a.size = [](const void* value) { return static_cast<const told_array*>(value)->count(); };
        a.data = [](void* value) { return static_cast<told_array*>(value)->data; };
        a.at = [](void* value, std::size_t place) -> void* {
            auto& array = *static_cast<told_array*>(value);
            return static_cast<std::byte*>(array.data) + place * array.element;
        };
        a.shape = [](const void* value) {
            return std::span<const std::int64_t>(static_cast<const told_array*>(value)->shape);
        };
        a.visit = [](void* value, void* state, bool (*step)(void*, void*, void*)) {
            auto& array = *static_cast<told_array*>(value);
            for (std::size_t i = 0; i < array.count(); ++i)
                if (!step(state, static_cast<std::byte*>(array.data) + i * array.element, nullptr)) return;
        };
        a.constant = constant;
        return a;
    };
    static constexpr reflect::access changeable = made(false);
    static constexpr reflect::access constant = made(true);
    return open ? changeable : constant;
}

MOTET_INLINE void told_members::add_array(std::string name, bool open, const reflect::type_description& element,
                                          std::function<void(told_array&)> look) {
    auto array = std::make_unique<told_array>();
    array->element = element.size;
    told_array* const it = array.get();
    all.push_back({std::move(name),
                   open,
                   [it, look = std::move(look)]() -> void* { return look(*it), it; },
                   std::move(array),
                   {}});
    member& made = all.back();
    static constexpr auto describe_array = [] {
        reflect::type_description d{};
        d.name = d.short_name = "array";
        d.kind = reflect::kind::sequence;
        d.size = sizeof(told_array);
        d.alignment = alignof(told_array);
        d.text = &told_array_text;
        return d;
    };
    made.type = describe_array();
    auto* const part = new const reflect::type_description*(&element); // as `describe` says
    made.type.parts = {part, 1};
    made.type.access = &access_to_told(open);
    types.push_back(nullptr);
    described = nullptr;
}

MOTET_INLINE const reflect::type_description& told_members::describe() {
    if (described != nullptr) return *described;
    struct kept {
        std::string name;
        std::deque<std::string> names;
        std::deque<reflect::type_description> arrays;
        std::vector<reflect::field_description> fields;
        std::vector<script_method> methods;
        reflect::access access{};
        reflect::type_description type{};
    };
    auto& made = *new kept;
    described = &made.type;
    made.methods = methods;
    described_methods = made.methods;
    made.name = type_name;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const member& each = all[i];
        made.names.push_back(each.name);
        const reflect::type_description* type = types[i];
        if (each.array) type = &made.arrays.emplace_back(each.type);
        made.fields.push_back({made.names.back(), type, i, &locate});
    }
    made.access.scattered = true;
    made.access.policy = [](void* self, std::size_t field) {
        return static_cast<told_members*>(self)->all[field].open ? reflect::field_policy::open
                                                                 : reflect::field_policy::read_only;
    };
    made.type.name = made.type.short_name = made.name;
    made.type.kind = reflect::kind::structure;
    made.type.size = sizeof(told_members);
    made.type.alignment = alignof(told_members);
    made.type.fields = made.fields;
    made.type.text = [](const void* self, std::size_t) {
        std::string text;
        for (const member& each : static_cast<const told_members*>(self)->all)
            text += (text.empty() ? "" : ", ") + each.name;
        return "{" + text + "}";
    };
    made.type.access = &made.access;
    return made.type;
}

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::script
