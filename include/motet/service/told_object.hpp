// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/members.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace motet::inline MOTET_VARIANT {

class mpi_scripts;

/// What an object is made of, told by name: see mpi_scripts::serve. What is told is referred to, not copied, and must
/// live until it is withdrawn. Every call returns the object, for the next one.
template <class T>
class told_object {
public:
    /// A field, or any other variable.
    template <class V>
    told_object& value(std::string name, V& variable) {
        return add(std::move(name), variable, !std::is_const_v<V>);
    }
    /// The same, which scripts cannot change.
    template <class V>
    told_object& read_only(std::string name, const V& variable) {
        return add(std::move(name), variable, false);
    }
    /// Numbers, or structs of numbers, in a row, or in rows of rows if the shape has several numbers (in C order). An
    /// array of const cannot be changed. Where the program allocates it anew: tell its pointer, see below.
    template <class E>
    told_object& array(std::string name, E* first, std::vector<std::int64_t> shape) {
        return look_at<E>(std::move(name), [first, shape = std::move(shape)](script::told_array& a) {
            a.data = const_cast<std::remove_const_t<E>*>(first);
            a.shape = shape;
        });
    }
    template <class E, std::size_t Extent>
    told_object& array(std::string name, std::span<E, Extent> row) {
        return array(std::move(name), row.data(), {static_cast<std::int64_t>(row.size())});
    }
    /// The same, asked for each time: `look` returns a std::span, or a pointer and a shape (motet::shaped). For memory
    /// that moves.
    template <class Look>
        requires std::invocable<const Look&>
    told_object& array(std::string name, Look look) {
        using found = std::invoke_result_t<const Look&>;
        using E = typename found::element_type;
        return look_at<E>(std::move(name), [look = std::move(look)](script::told_array& a) {
            const found now = look();
            a.data = const_cast<std::remove_const_t<E>*>(now.data());
            if constexpr (requires { now.shape; })
                a.shape = now.shape;
            else
                a.shape = {static_cast<std::int64_t>(now.size())};
        });
    }
    /// A member function that scripts can call.
    template <auto M>
    told_object& method(const char* name) {
        static_assert(std::is_base_of_v<runtime::owner_of<M>, T>, "motet: this is no method of the object");
        script::script_method made = script::method_call<M>::made(name);
        made.call = &script::told_call<T, M>::call;
        if (to != nullptr) to->add_method(made);
        return *this;
    }

private:
    friend class mpi_scripts;
    explicit told_object(script::told_members* members) : to(members) {}

    template <class V>
    told_object& add(std::string name, V& variable, bool open) {
        using plain = std::remove_cv_t<V>;
        if (to == nullptr) return *this;
        to->add(std::move(name), open, reflect::describe<plain>(),
                [at = const_cast<plain*>(std::addressof(variable))]() -> void* { return at; });
        return *this;
    }
    template <class E>
    told_object& look_at(std::string name, std::function<void(script::told_array&)> look) {
        static_assert(std::is_trivially_copyable_v<E>,
                      "motet: the elements of an array that scripts see are numbers, or structs of numbers");
        if (to == nullptr) return *this;
        to->add_array(std::move(name), !std::is_const_v<E>, reflect::describe<std::remove_cv_t<E>>(), std::move(look));
        return *this;
    }

    script::told_members* to; ///< null: scripts are off
};

/// A pointer with the shape of what it points to, in C order.
template <class E>
struct shaped {
    using element_type = E;
    E* first = nullptr;
    std::vector<std::int64_t> shape;
    shaped(E* begin, std::vector<std::int64_t> lengths) : first(begin), shape(std::move(lengths)) {}
    E* data() const { return first; }
};

} // namespace motet::inline MOTET_VARIANT
