// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/reflect/arguments.hpp>
#include <motet/reflect/kind.hpp>
#include <motet/reflect/policy.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace motet {
struct script_path;
struct range_request;
struct value;
} // namespace motet

namespace motet::reflect {

// Structs that say themselves what scripts find in them (script/own_access.hpp). A member that takes anything is not
// meant.
struct anything_else {};
template <class T>
concept reads_itself = requires(T& object, const script_path& where) { object.read(where); } &&
                       !requires(T& object, const anything_else& other) { object.read(other); };
template <class T>
concept writes_itself = requires(T& object, const script_path& where, const value& what) {
    object.write(where, what);
} && !requires(T& object, const anything_else& other, const value& what) { object.write(other, what); };
template <class T>
concept ranges_itself = requires(T& object, const range_request& what) { object.range(what); } &&
                        !requires(T& object, const anything_else& other) { object.range(other); };

struct own_access;
template <class T>
struct own_access_to; ///< defined in script/own_access.hpp, which such a struct needs

/// What can be done with a value whose type only its description knows: for scripts, hooks and inspectors. What a type
/// cannot do is a null pointer. Numbers, booleans and enumerations need none of it: kind, size and sign tell how they
/// lie in memory.
struct access {
    // Any type.
    bool trivial;                       ///< can be copied as bytes
    void* (*make)();                    ///< a default constructed value, to be given to `destroy`
    void (*destroy)(void* value);       ///< of a value that `make` made
    void (*take)(void* to, void* from); ///< to = std::move(from)

    // Text.
    std::string_view (*text)(const void* value);
    void (*set_text)(void* value, std::string_view text);

    // Sequences and maps.
    std::size_t (*size)(const void* value);
    /// Calls step(state, element, null) for each element of a sequence, step(state, key, mapped) for each of a map,
    /// until it returns false. What is const must not be changed.
    void (*visit)(void* value, void* state, bool (*step)(void* state, void* element, void* mapped));
    void* (*at)(void* value, std::size_t place); ///< the place is less than the size
    void* (*data)(void* value);                  ///< of elements that lie in a row
    void (*resize)(void* value, std::size_t size);
    void (*append)(void* value, void* element); ///< moves the element to the end; of a set: into it
    void (*insert)(void* value, std::size_t place, void* element);
    void (*erase)(void* value, std::size_t first, std::size_t count);
    void (*clear)(void* value);
    void* (*find)(void* value, const void* key);  ///< of a map the mapped value, of a set the element; null: not there
    void* (*put)(void* value, void* key);         ///< of a map: the mapped value, made if the key is new
    bool (*remove)(void* value, const void* key); ///< of a map or set: whether it was there
    /// Of rows of rows of numbers: how many there are in each direction. Null where there is one direction only.
    std::span<const std::int64_t> (*shape)(const void* value);
    bool constant; ///< what it refers to must not be changed

    // Optional, pointer, variant.
    static constexpr std::size_t nothing = static_cast<std::size_t>(-1);
    std::size_t (*which)(const void* value);          ///< which alternative it holds, or `nothing`
    void* (*held)(void* value);                       ///< what it holds; null: nothing
    void* (*emplace)(void* value, std::size_t which); ///< a default constructed value in it; null: impossible
    void (*reset)(void* value);

    // Structure.
    /// What may be done with a field from outside; null: everything, with all of them.
    field_policy (*policy)(void* object, std::size_t field);
    /// The unit that a field is in; null: nothing is said of any.
    std::string_view (*unit)(void* object, std::size_t field);
    /// What the struct does itself in place of what is derived from its fields; null: nothing.
    const own_access* own;
    bool scattered; ///< the fields do not lie in the object itself, and may move

    // Tuple.
    void* (*part)(void* value, std::size_t place);

    // Complex numbers (two), durations in seconds (one).
    std::size_t numbers;
    void (*get_numbers)(const void* value, double* to);
    void (*set_numbers)(void* value, const double* from);
};

template <class T>
struct access_to {
    static T& of(void* value) { return *static_cast<T*>(value); }
    static const T& of(const void* value) { return *static_cast<const T*>(value); }

    static constexpr void any(access& a) {
        a.trivial = std::is_trivially_copyable_v<T>;
        if constexpr (std::is_default_constructible_v<T>) a.make = []() -> void* { return new T(); };
        if constexpr (std::is_destructible_v<T>) a.destroy = [](void* value) { delete static_cast<T*>(value); };
        if constexpr (std::is_move_assignable_v<T>) a.take = [](void* to, void* from) { of(to) = std::move(of(from)); };
    }

    static constexpr void text(access& a) {
        a.text = [](const void* value) -> std::string_view { return of(value); };
        if constexpr (requires(T& value, const char* chars) { value.assign(chars, std::size_t{}); })
            a.set_text = [](void* value, std::string_view text) { of(value).assign(text.data(), text.size()); };
    }

    static constexpr void sequence(access& a) {
        using element = typename T::value_type;
        constexpr bool is_set = requires { typename T::key_type; };
        constexpr bool refers = requires(T& value) {
            { *value.begin() } -> std::same_as<element&>;
        };
        set_size(a);
        a.visit = [](void* value, void* state, bool (*step)(void*, void*, void*)) {
            if constexpr (refers || requires(T& v) {
                              { *v.begin() } -> std::same_as<const element&>;
                          }) {
                for (auto& each : of(value))
                    if (!step(state, const_cast<std::remove_const_t<element>*>(std::addressof(each)), nullptr)) return;
            } else { // std::vector<bool>
                for (auto&& each : of(value)) {
                    element copy(each);
                    if (!step(state, &copy, nullptr)) return;
                }
            }
        };
        if constexpr (refers && requires(T& value) { value[std::size_t{}]; })
            a.at = [](void* value, std::size_t place) -> void* { return std::addressof(of(value)[place]); };
        if constexpr (requires(T& value) {
                          { value.data() } -> std::convertible_to<const element*>;
                      })
            a.data = [](void* value) -> void* { return const_cast<std::remove_const_t<element>*>(of(value).data()); };
        if constexpr (requires(T& value) { value.resize(std::size_t{}); } && std::is_default_constructible_v<element>)
            a.resize = [](void* value, std::size_t size) { of(value).resize(size); };
        if constexpr (std::is_move_constructible_v<element>) {
            if constexpr (is_set)
                a.append = [](void* value, void* from) { of(value).insert(std::move(*static_cast<element*>(from))); };
            else if constexpr (requires(T& value, element& e) { value.push_back(std::move(e)); })
                a.append = [](void* value, void* from) {
                    of(value).push_back(std::move(*static_cast<element*>(from)));
                };
        }
        if constexpr (!is_set && std::is_move_assignable_v<element> &&
                      requires(T& value, element& e) { value.insert(value.begin(), std::move(e)); })
            a.insert = [](void* value, std::size_t place, void* from) {
                of(value).insert(forward(of(value).begin(), place), std::move(*static_cast<element*>(from)));
            };
        if constexpr (!is_set && std::is_move_assignable_v<element> &&
                      requires(T& value) { value.erase(value.begin(), value.end()); })
            a.erase = [](void* value, std::size_t first, std::size_t count) {
                const auto begin = forward(of(value).begin(), first);
                of(value).erase(begin, forward(begin, count));
            };
        if constexpr (requires(T& value) { value.clear(); }) a.clear = [](void* value) { of(value).clear(); };
        if constexpr (is_set) {
            a.find = [](void* value, const void* key) -> void* {
                const auto found = of(value).find(*static_cast<const element*>(key));
                return found == of(value).end() ? nullptr : const_cast<element*>(std::addressof(*found));
            };
            a.remove = [](void* value, const void* key) {
                return of(value).erase(*static_cast<const element*>(key)) != 0;
            };
        }
    }

    static constexpr void map(access& a) {
        using key_type = typename T::key_type;
        set_size(a);
        a.visit = [](void* value, void* state, bool (*step)(void*, void*, void*)) {
            for (auto& [key, mapped] : of(value))
                if (!step(state, const_cast<key_type*>(std::addressof(key)),
                          const_cast<std::remove_const_t<typename T::mapped_type>*>(std::addressof(mapped))))
                    return;
        };
        a.clear = [](void* value) { of(value).clear(); };
        a.find = [](void* value, const void* key) -> void* {
            const auto found = of(value).find(*static_cast<const key_type*>(key));
            return found == of(value).end() ? nullptr : std::addressof(found->second);
        };
        if constexpr (requires(T& value, key_type& key) { value[std::move(key)]; })
            a.put = [](void* value, void* key) -> void* {
                return std::addressof(of(value)[std::move(*static_cast<key_type*>(key))]);
            };
        a.remove = [](void* value, const void* key) {
            return of(value).erase(*static_cast<const key_type*>(key)) != 0;
        };
    }

    static constexpr void optional(access& a) {
        a.which = [](const void* value) { return of(value).has_value() ? std::size_t{0} : access::nothing; };
        a.held = [](void* value) -> void* { return of(value).has_value() ? std::addressof(*of(value)) : nullptr; };
        if constexpr (requires(T& value) { value.emplace(); })
            a.emplace = [](void* value, std::size_t) -> void* { return std::addressof(of(value).emplace()); };
        a.reset = [](void* value) { of(value).reset(); };
    }

    static constexpr void pointer(access& a) {
        using element = typename T::element_type;
        a.which = [](const void* value) { return of(value) ? std::size_t{0} : access::nothing; };
        a.held = [](void* value) -> void* { return const_cast<std::remove_const_t<element>*>(of(value).get()); };
        if constexpr (!std::is_const_v<element> && std::is_default_constructible_v<element> &&
                      requires(T& value) { value = T(new element()); })
            a.emplace = [](void* value, std::size_t) -> void* {
                of(value) = T(new element());
                return of(value).get();
            };
        a.reset = [](void* value) { of(value).reset(); };
    }

    template <class... Alternative>
    static constexpr void variant(access& a, types<Alternative...>) {
        a.which = [](const void* value) {
            return of(value).valueless_by_exception() ? access::nothing : std::size_t{of(value).index()};
        };
        a.held = [](void* value) {
            void* found = nullptr;
            [&]<std::size_t... I>(std::index_sequence<I...>) {
                (static_cast<void>(of(value).index() == I && (found = get_if<I>(std::addressof(of(value))), true)),
                 ...);
            }(std::index_sequence_for<Alternative...>{});
            return found;
        };
        a.emplace = [](void* value, std::size_t which) {
            void* made = nullptr;
            [&]<std::size_t... I>(std::index_sequence<I...>) {
                const auto emplace = [&]<std::size_t Place>(std::integral_constant<std::size_t, Place>) {
                    if constexpr (requires { of(value).template emplace<Place>(); })
                        if (which == Place) made = std::addressof(of(value).template emplace<Place>());
                };
                (emplace(std::integral_constant<std::size_t, I>{}), ...);
            }(std::index_sequence_for<Alternative...>{});
            return made;
        };
    }

    static constexpr void structure(access& a) {
        if constexpr (obstacle_of<T> == obstacle::none && has_policies<T>)
            a.policy = [](void* object, std::size_t field) { return policy_of(of(object), field); };
        if constexpr (obstacle_of<T> == obstacle::none && has_policy<T, motet::unit>)
            a.unit = [](void* object, std::size_t field) { return unit_of(of(object), field); };
        if constexpr (reads_itself<T> || writes_itself<T> || ranges_itself<T>) a.own = &own_access_to<T>::operations;
    }

    static constexpr void tuple(access& a) {
        a.part = [](void* value, std::size_t place) {
            using std::get;
            void* found = nullptr;
            [&]<std::size_t... I>(std::index_sequence<I...>) {
                (static_cast<void>(
                     place == I &&
                     (found = const_cast<void*>(static_cast<const void*>(std::addressof(get<I>(of(value))))), true)),
                 ...);
            }(std::make_index_sequence<std::tuple_size_v<T>>{});
            return found;
        };
    }

    static constexpr void opaque(access& a) {
        if constexpr (requires(const T& value) {
                          typename T::period;
                          static_cast<double>(value.count());
                      }) {
            using rep = typename T::rep;
            constexpr double tick = static_cast<double>(T::period::num) / static_cast<double>(T::period::den);
            a.numbers = 1;
            a.get_numbers = [](const void* value, double* to) { *to = static_cast<double>(of(value).count()) * tick; };
            a.set_numbers = [](void* value, const double* from) {
                if constexpr (std::is_floating_point_v<rep>)
                    of(value) = T(static_cast<rep>(*from / tick));
                else
                    of(value) = T(static_cast<rep>(*from / tick + (*from < 0 ? -0.5 : 0.5)));
            };
        } else if constexpr (requires(T& value) {
                                 static_cast<double>(value.real());
                                 static_cast<double>(value.imag());
                                 value.real(typename T::value_type{});
                             }) {
            using real = typename T::value_type;
            a.numbers = 2;
            a.get_numbers = [](const void* value, double* to) {
                to[0] = static_cast<double>(of(value).real());
                to[1] = static_cast<double>(of(value).imag());
            };
            a.set_numbers = [](void* value, const double* from) {
                of(value) = T(static_cast<real>(from[0]), static_cast<real>(from[1]));
            };
        }
    }

    static constexpr access make() {
        access a{};
        if constexpr (std::is_object_v<T> && complete<T>) {
            constexpr kind what = kind_of<T>;
            any(a);
            if constexpr (what == kind::text) text(a);
            if constexpr (what == kind::sequence) sequence(a);
            if constexpr (what == kind::map) map(a);
            if constexpr (what == kind::optional) optional(a);
            if constexpr (what == kind::pointer) pointer(a);
            if constexpr (what == kind::variant) variant(a, arguments_of<T>{});
            if constexpr (what == kind::structure) structure(a);
            if constexpr (what == kind::tuple) tuple(a);
            if constexpr (what == kind::opaque) opaque(a);
        }
        return a;
    }

private:
    static constexpr void set_size(access& a) {
        if constexpr (requires(const T& value) { value.size(); })
            a.size = [](const void* value) { return static_cast<std::size_t>(of(value).size()); };
        else // std::forward_list
            a.size = [](const void* value) {
                std::size_t count = 0;
                for (auto i = of(value).begin(); i != of(value).end(); ++i) ++count;
                return count;
            };
    }
    template <class Iterator>
    static Iterator forward(Iterator from, std::size_t count) {
        if constexpr (requires { from + 1; }) return from + static_cast<std::ptrdiff_t>(count);
        for (; count != 0; --count) ++from;
        return from;
    }
};

/// What can be done with values of type T.
template <class T>
inline constexpr access access_of = access_to<T>::make();

} // namespace motet::reflect
