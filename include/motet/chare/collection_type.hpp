// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/boxed.hpp>
#include <motet/chare/element.hpp>
#include <motet/chare/entry.hpp>
#include <motet/chare/index.hpp>
#include <motet/chare/part.hpp>
#include <motet/reflect/describe.hpp>
#include <motet/reflect/names.hpp>
#include <motet/reflect/schema.hpp>

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

namespace motet::inline MOTET_VARIANT {

/// Tags of the life-cycle hooks: a chare may have `void on(motet::created)`, which runs before its first message,
/// `on(motet::arrived)` after a move, and `on(motet::departing)` before one. The first two may wait.
struct created {};
struct arrived {};
struct departing {};

namespace runtime {

/// The index of a single chare: made up by the runtime, never seen.
struct single_index {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
};

template <class T, class Tag>
constexpr auto hook() -> void (*)(element_header&) {
    if constexpr (requires(T& chare) { chare.on(Tag{}); }) {
        return [](element_header& e) { static_cast<element<T>&>(e).object.on(Tag{}); };
    } else {
        static_assert(
            !requires(T& chare, Tag& tag) { chare.on(tag); } &&
                !requires(T& chare, anything more) { chare.on(Tag{}, more); },
            "motet: a hook of this chare is not called as it is: a hook takes its tag by value, and nothing "
            "else: void on(motet::created)");
        return nullptr;
    }
}

/// Stops the compilation with a sentence, if T cannot be a chare.
template <class T>
consteval void check_chare() {
    static_assert(std::is_class_v<T>, "motet: a chare is a plain struct");
    static_assert(std::is_default_constructible_v<T>,
                  "motet: a chare must be default constructible: it is made before its fields are read when it moves");
    serial::check_owning<T>();
}

/// A chare of the runtime's own that checkpoints leave out, as they do main.
template <class T>
inline constexpr bool out_of_checkpoints = false;

/// What the runtime can do with chares of type T under indices of type Index.
template <class T, class Index>
struct collection_of {
    using code = index_code<Index>;

    static element_header* make(const boxed& prototype) {
        if constexpr (serial::copyable<T>) {
            return new element<T>(prototype.as<T>());
        } else {
            auto made = std::make_unique<element<T>>(T{});
            serial::decode_into(serial::encode(prototype.as<T>()).bytes(), made->object);
            return made.release();
        }
    }
    static void destroy(element_header* e) { delete static_cast<element<T>*>(e); }
    static void encode(const element_header& e, serial::writer& out) {
        serial::write(out, static_cast<const element<T>&>(e).object);
    }
    static element_header* decode(serial::reader& in) {
        auto made = std::make_unique<element<T>>(T{});
        serial::read(in, made->object);
        return made.release();
    }
    static std::uint64_t count(index_bits extent) { return code::count(code::unpack(extent)); }
    static std::uint64_t linear(index_bits extent, index_bits index) {
        return code::linear(code::unpack(extent), code::unpack(index));
    }
    static index_bits from_linear(index_bits extent, std::uint64_t place) {
        return code::pack(code::from_linear(code::unpack(extent), place));
    }
    static std::string name() { return std::string(reflect::short_type_name<T>); }
    static const reflect::type_description& describe() { return reflect::describe<T>(); }
    static void* object(element_header& e) { return &static_cast<element<T>&>(e).object; }
    static void save(const void* object, serial::writer& out) {
        serial::by_name<T>::write(out, *static_cast<const T*>(object));
    }
    static void load(void* object, serial::reader& in, const std::vector<std::size_t>& places) {
        serial::by_name<T>::read(in, *static_cast<T*>(object), places);
    }
    static const void* boxed_object(const boxed& prototype) { return &prototype.as<T>(); }
    static boxed blank() { return boxed::of<T>(T{}); }
    static void restore(element_header& e, serial::reader& in) {
        in.restores = true;
        serial::read(in, static_cast<element<T>&>(e).object);
    }

    static constexpr collection_type operations{&make,
                                                &destroy,
                                                &encode,
                                                &decode,
                                                hook<T, created>(),
                                                hook<T, arrived>(),
                                                hook<T, departing>(),
                                                &count,
                                                &linear,
                                                &from_linear,
                                                &code::order,
                                                &code::text,
#ifdef MOTET_WITH_SCRIPT
                                                &code::coordinates,
                                                &code::from_coordinates,
#endif
                                                &name,
                                                &describe,
                                                &object,
                                                &serial::by_name<T>::fields,
                                                &save,
                                                &load,
                                                &boxed_object,
                                                &blank,
                                                &restore,
                                                !out_of_checkpoints<T>};
    static std::uint32_t id() { return registered<collection_of, operations>::id(); }
};

/// A map: where the element of an index shall live, given the extent (of a sparse array: an empty index) and the number
/// of PEs.
template <class Map, class Index>
struct map_of {
    static std::int64_t place(const void* state, index_bits index, index_bits extent, std::int64_t pes) {
        const Index at = index_code<Index>::unpack(index);
        const auto call = [&](const Map& map) -> std::int64_t {
            if constexpr (std::is_invocable_r_v<std::int64_t, const Map&, Index, Index, std::int64_t>) {
                return static_cast<std::int64_t>(map(at, index_code<Index>::unpack(extent), pes));
            } else {
                static_assert(std::is_invocable_r_v<std::int64_t, const Map&, Index, std::int64_t>,
                              "motet: a map is called as map(index, extent, pes) or map(index, pes), and returns the "
                              "number of a PE");
                return static_cast<std::int64_t>(map(at, pes));
            }
        };
        if constexpr (std::is_empty_v<Map>)
            return call(Map{});
        else
            return call(*static_cast<const Map*>(state));
    }
    static constexpr auto schema_of_state() -> std::string (*)() {
        if constexpr (std::is_empty_v<Map>)
            return nullptr;
        else
            return &reflect::schema_of<Map>;
    }
    static constexpr map_type operations{&place, schema_of_state()};
    static std::uint32_t id() { return registered<map_of, operations>::id(); }
    static boxed state(const Map& map) {
        if constexpr (std::is_empty_v<Map>) {
            return {};
        } else {
            serial::check_owning<Map>();
            return boxed::of<Map>(map);
        }
    }
};

} // namespace runtime
} // namespace motet::inline MOTET_VARIANT
