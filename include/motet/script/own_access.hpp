// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/reflect/describe.hpp>
#include <motet/script/value.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// How a struct takes over what scripts do with it, in place of what is derived from its fields: with members `read`,
/// `write` and `range` that take one of the types below (Charm++ manual, sections 26.8 and 26.9). None of them may
/// wait.
///
/// - `R read(const motet::script_path&)`: what a script reads, by ck.read and as attributes. R is any type that scripts
///   can see, or motet::value; or a std::optional of one, whose nothing means: as derived from the fields.
/// - `void write(const motet::script_path&, const motet::value&)`: what a script writes. With bool in place of void,
///   false means: as derived from the fields. A struct that reads all itself and has no `write` cannot be changed.
/// - `range(const motet::range_request&)`: what iterate mode goes over. It returns any C++ range, or an iterator of its
///   own: see motet::script_iterator; or a std::optional of one, whose nothing means: the field of that name.
namespace motet {

/// A place in a struct, as a script names it: ck.read(("particles", 3, "mass")) has three steps, an attribute has one.
struct script_path {
    std::vector<value> steps;

    /// Whether it is this one name and nothing else.
    bool is(std::string_view name) const { return steps.size() == 1 && begins(name); }
    /// Whether its first step is this name.
    bool begins(std::string_view name) const {
        const auto* first = steps.empty() ? nullptr : std::get_if<std::string>(&steps[0].data);
        return first != nullptr && *first == name;
    }
    /// "particles[3].mass"
    std::string text() const {
        std::string all;
        for (const value& each : steps) {
            if (const auto* name = std::get_if<std::string>(&each.data))
                all += (all.empty() ? "" : ".") + *name;
            else if (const auto* place = std::get_if<std::int64_t>(&each.data))
                all += "[" + std::to_string(*place) + "]";
            else
                all += std::string("[") + each.type_name() + "]";
        }
        return all;
    }
};

/// To be thrown by a struct's own `read`, `write` and `range` for what is not there: an AttributeError for attributes,
/// a LookupError elsewhere.
struct no_such_path : error {
    explicit no_such_path(const script_path& path) : error("there is no " + path.text()) {}
    using error::error;
};

/// What a client wants to iterate over: a name, and parameters that mean what the struct takes them for.
struct range_request {
    std::string over;
    value parameters;
};

/// An iterator of one's own: `next()` gives a pointer to the next element, null after the last one. The element may lie
/// in the chare, or in the iterator, which then finds in the next `next()` what the function has changed. More members
/// may be there: `returned(value)` is given what the function returned, else it is collected or reduced as the client
/// wants; `result()` is called after the last element, and is the result for the client; with a `read` of its own (and
/// `write`) the iterator itself is what a vectorized request gives the function: p.mass is read as one array.
template <class I>
concept script_iterator = requires(I& iterator) {
    { *iterator.next() };
    { iterator.next() == nullptr } -> std::convertible_to<bool>;
};

namespace reflect {

/// A walk over elements of one type, which only its description knows.
class element_walk {
public:
    element_walk() = default;
    element_walk(const element_walk&) = delete;
    element_walk& operator=(const element_walk&) = delete;
    virtual ~element_walk() = default;
    virtual const type_description& element() const = 0;
    /// The next element; null: there is none any more.
    virtual void* next() = 0;
    /// Takes what the function returned; false: it does not care.
    virtual bool take(const value& returned) = 0;
    /// The result of the walk; null: it has none.
    virtual std::unique_ptr<value> result() = 0;
    /// All elements at once, for vectorized requests: an object with a `read` of its own; null: there is none.
    virtual const type_description* all(void*& object) = 0;
};

template <class>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
struct without_optional {
    using type = T;
};
template <class T>
struct without_optional<std::optional<T>> {
    using type = T;
};

/// What own_access says of a type, by addresses of functions; null: it leaves that to its fields.
struct own_access {
    const type_description* read_type;                                        ///< what `read` gives
    void* (*read)(void* object, const script_path& where);                    ///< made with new; null: as derived
    bool reads_all;                                                           ///< `read` leaves nothing to the fields
    bool read_changes;                                                        ///< `read` may change the struct
    bool (*write)(void* object, const script_path& where, const value& what); ///< false: as derived
    std::unique_ptr<element_walk> (*range)(void* object, const range_request& what); ///< null: the field of that name
};

/// A walk over a C++ range or an iterator of one's own.
template <class Range>
class own_walk final : public element_walk {
public:
    explicit own_walk(Range&& over) : range(std::move(over)) {}
    const type_description& element() const override { return describe<element_type>(); }
    void* next() override {
        if constexpr (script_iterator<Range>) {
            return const_cast<void*>(static_cast<const void*>(range.next()));
        } else {
            if (at)
                ++*at;
            else
                at.emplace(std::ranges::begin(range));
            if (*at == std::ranges::end(range)) return nullptr;
            if constexpr (std::is_lvalue_reference_v<std::ranges::range_reference_t<Range>>) {
                return const_cast<void*>(static_cast<const void*>(std::addressof(**at)));
            } else {
                shown.emplace(**at);
                return std::addressof(*shown);
            }
        }
    }
    bool take([[maybe_unused]] const value& returned) override {
        if constexpr (requires { range.returned(returned); }) {
            range.returned(returned);
            return true;
        } else {
            return false;
        }
    }
    std::unique_ptr<value> result() override {
        if constexpr (requires { range.result(); }) {
            static_assert(std::same_as<decltype(range.result()), value>,
                          "motet: result() of a struct's own iterator returns a motet::value");
            return std::make_unique<value>(range.result());
        } else {
            return nullptr;
        }
    }
    const type_description* all([[maybe_unused]] void*& object) override {
        if constexpr (reads_itself<Range>) {
            object = &range;
            return &describe<Range>();
        } else {
            return nullptr;
        }
    }

private:
    static auto find_element() {
        if constexpr (script_iterator<Range>)
            return std::type_identity<std::remove_cvref_t<decltype(*std::declval<Range&>().next())>>{};
        else
            return std::type_identity<std::ranges::range_value_t<Range>>{};
    }
    using element_type = typename decltype(find_element())::type;
    static auto find_place() {
        if constexpr (script_iterator<Range>)
            return std::type_identity<int>{};
        else
            return std::type_identity<std::ranges::iterator_t<Range>>{};
    }

    Range range;
    std::optional<typename decltype(find_place())::type> at;
    std::optional<element_type> shown; ///< of a range that makes its elements
};

template <class T>
struct own_access_to {
    static T& of(void* object) { return *static_cast<T*>(object); }

    static constexpr void read(own_access& a) {
        using result = decltype(std::declval<T&>().read(std::declval<const script_path&>()));
        using given = typename without_optional<std::remove_cvref_t<result>>::type;
        static_assert(!std::is_void_v<given> && !std::is_pointer_v<given>,
                      "motet: `read(const motet::script_path&)` of a struct returns what a script reads: a value of a "
                      "type that scripts can see, a motet::value, or a std::optional of it");
        if constexpr (!std::is_void_v<given> && !std::is_pointer_v<given>) {
            a.read_type = &describe<given>();
            a.reads_all = !is_optional<std::remove_cvref_t<result>>;
            a.read_changes = !requires(const T& object, const script_path& where) { object.read(where); };
            a.read = [](void* object, const script_path& where) -> void* {
                if constexpr (is_optional<std::remove_cvref_t<result>>) {
                    auto found = of(object).read(where);
                    return found ? new given(std::move(*found)) : nullptr;
                } else {
                    return new given(of(object).read(where));
                }
            };
        }
    }

    static constexpr void write(own_access& a) {
        using result =
            decltype(std::declval<T&>().write(std::declval<const script_path&>(), std::declval<const value&>()));
        static_assert(std::is_void_v<result> || std::same_as<result, bool>,
                      "motet: `write(const motet::script_path&, const motet::value&)` of a struct returns nothing, or "
                      "whether it took the value (bool)");
        a.write = [](void* object, const script_path& where, const value& what) {
            if constexpr (std::is_void_v<result>)
                return of(object).write(where, what), true;
            else
                return of(object).write(where, what);
        };
    }

    static constexpr void range(own_access& a) {
        using result = std::remove_cvref_t<decltype(std::declval<T&>().range(std::declval<const range_request&>()))>;
        using walked = typename without_optional<result>::type;
        constexpr bool good = script_iterator<walked> || std::ranges::input_range<walked>;
        static_assert(good, "motet: `range(const motet::range_request&)` of a struct returns a C++ range, an iterator "
                            "with `next()` that gives a pointer to the next element, or a std::optional of it");
        if constexpr (good)
            a.range = [](void* object, const range_request& what) -> std::unique_ptr<element_walk> {
                if constexpr (is_optional<result>) {
                    auto found = of(object).range(what);
                    return found ? std::make_unique<own_walk<walked>>(std::move(*found)) : nullptr;
                } else {
                    return std::make_unique<own_walk<walked>>(of(object).range(what));
                }
            };
    }

    static constexpr own_access make() {
        own_access a{};
        if constexpr (reads_itself<T>) read(a);
        if constexpr (writes_itself<T>) write(a);
        if constexpr (ranges_itself<T>) range(a);
        return a;
    }
    static constexpr own_access operations = make();
};

} // namespace reflect
} // namespace motet
