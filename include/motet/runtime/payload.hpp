// SPDX-License-Identifier: BSL-1.0
#pragma once

#ifdef MOTET_WITH_SCRIPT
#include <motet/reflect/describe.hpp>
#endif
#include <motet/runtime/message.hpp>
#include <motet/runtime/registry.hpp>
#include <motet/serial/serial.hpp>

#include <new>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace motet::inline MOTET_VARIANT::runtime {

class pe;

/// What the runtime can do with a message of one type.
struct message_type {
    void (*run)(pe&, message*); ///< handles the message and frees it
    void (*destroy)(message&);  ///< its arguments
    void (*encode)(const message&, serial::writer&);
    void (*decode)(message&, serial::reader&);                   ///< makes its arguments from bytes
    std::uint32_t payload_bytes;                                 ///< of arguments, a multiple of 8
    bool system;                                                 ///< what the runtime does, not the program
    std::string (*name)();                                       ///< readable, for errors and reports
    bool (*admits)(const void* chare, const message&) = nullptr; ///< its `when`; null: it has none
    const std::type_info& (*result)() = nullptr;                 ///< what it gives its caller; null: nothing
    bool looks = false; ///< at the program, for somebody outside: it runs although the program is halted
    bool plain = false; ///< its arguments may be copied bit by bit
#if defined(MOTET_WITH_MPI) || defined(MOTET_WITH_SCRIPT)
    std::uint32_t tight = 0; ///< bytes of arguments that go between processes as they lie in memory; 0: encoded
    const reflect::type_description& (*describe)() = nullptr; ///< the arguments of an entry method
#endif
    bool waits_for_birth = true; ///< where its element does not exist yet; else it is refused

    /// Whether it calls a method of a chare; else it is a step of the runtime, perhaps of a call of many.
    bool is_method() const { return result != nullptr; }
};

constexpr std::uint32_t padded(std::size_t bytes) { return static_cast<std::uint32_t>((bytes + 7) / 8 * 8); }

/// Whether a value is a number all of whose bytes matter, and any bytes are one.
template <class T>
inline constexpr bool is_number =
    (std::is_arithmetic_v<T> || std::is_enum_v<T>)&&!serial::is_bool<T> && !std::is_same_v<T, long double>;

/// Whether arguments may be copied bit by bit, and need not be destroyed.
template <class Tuple>
inline constexpr bool is_plain = false;
template <class... T>
inline constexpr bool is_plain<std::tuple<T...>> = (std::is_trivially_copyable_v<T> && ...);

/// The arguments of a message, and how they become bytes.
template <class Tuple>
struct payload_of {
    static_assert(alignof(Tuple) <= 16, "motet: an argument is aligned to more than 16 bytes: wrap it in a unique_ptr");
    static constexpr std::uint32_t bytes = std::is_empty_v<Tuple> ? 0 : padded(sizeof(Tuple));
    static constexpr bool plain = is_plain<Tuple>;

    /// The size of arguments that are numbers without gaps between them; or 0.
    static constexpr std::uint32_t tight = []<class... T>(std::type_identity<std::tuple<T...>>) {
        return (is_number<T> && ...) && (sizeof(T) + ... + 0) == sizeof(Tuple) ? std::uint32_t{sizeof(Tuple)} : 0;
    }(std::type_identity<Tuple>());

    static Tuple& in(message& m) { return *std::launder(reinterpret_cast<Tuple*>(m.payload())); }
    static const Tuple& in(const message& m) { return *std::launder(reinterpret_cast<const Tuple*>(m.payload())); }
    static void destroy(message& m) {
        if (m.has(message::constructed)) in(m).~Tuple();
    }
    static void encode(const message& m, serial::writer& out) {
        if constexpr (!std::is_empty_v<Tuple>) serial::write(out, in(m));
    }
    static void decode(message& m, serial::reader& from) {
        if constexpr (!std::is_empty_v<Tuple>) {
            auto* made = new (m.payload()) Tuple();
            m.set(message::constructed);
            serial::read(from, *made);
        }
    }
};

} // namespace motet::inline MOTET_VARIANT::runtime
