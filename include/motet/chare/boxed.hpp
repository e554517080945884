// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/registry.hpp>
#include <motet/serial/serial.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace motet::inline MOTET_VARIANT::runtime {

struct boxed_type {
    void (*destroy)(void*);
    void* (*copy)(const void*);
    void (*encode)(const void*, serial::writer&);
    void* (*decode)(serial::reader&);
    const char* (*name)();                     ///< mangled, of the type
    void (*read)(void* room, serial::reader&); ///< makes one there; null: boxes point to values of this type
};

/// What fits into a box itself, without memory of its own.
template <class T>
inline constexpr bool fits_in_box =
    std::is_trivially_copyable_v<T> && std::is_default_constructible_v<T> && sizeof(T) <= 16 && alignof(T) <= 8;

/// What a boxed T can do; a T that cannot be copied is copied through its bytes.
template <class T>
struct boxed_as {
    static void destroy(void* value) { delete static_cast<T*>(value); }
    static void encode(const void* value, serial::writer& out) { serial::write(out, *static_cast<const T*>(value)); }
    static void* decode(serial::reader& in) {
        auto made = std::make_unique<T>();
        serial::read(in, *made);
        return made.release();
    }
    static void* copy(const void* value) {
        if constexpr (serial::copyable<T>) {
            return new T(*static_cast<const T*>(value));
        } else {
            serial::writer out;
            encode(value, out);
            serial::reader in(out.bytes());
            return decode(in);
        }
    }
    static const char* name() { return typeid(T).name(); }
    static constexpr auto reading() -> void (*)(void*, serial::reader&) {
        if constexpr (fits_in_box<T>)
            return [](void* room, serial::reader& in) { serial::read(in, *new (room) T()); };
        else
            return nullptr;
    }
    static constexpr boxed_type operations{&destroy, &copy, &encode, &decode, &name, reading()};
    static std::uint32_t id() { return registered<boxed_as, operations>::id(); }
};

/// A value of any registered type that messages can carry: inside a process the pointer moves, between processes it is
/// serialized.
class boxed {
public:
    boxed() = default;
    template <class T>
    static boxed of(T value) {
        boxed b;
        if constexpr (fits_in_box<T>)
            b.value = new (b.room) T(std::move(value));
        else
            b.value = new T(std::move(value));
        b.type = boxed_as<T>::id();
        return b;
    }
    boxed(boxed&& other) noexcept { take(other); }
    boxed& operator=(boxed&& other) noexcept {
        if (this == &other) return *this;
        clear();
        take(other);
        return *this;
    }
    ~boxed() { clear(); }
    explicit operator bool() const { return value != nullptr; }
    void reset() {
        clear();
        type = 0;
    }
    boxed copy() const {
        boxed other;
        if (value == nullptr) return other;
        other.type = type;
        if (value == room) {
            other.copy_room(*this);
            other.value = other.room;
        } else {
            other.value = operations().copy(value);
        }
        return other;
    }
    template <class T>
    T& as() {
        return *static_cast<T*>(value);
    }
    template <class T>
    const T& as() const {
        return *static_cast<const T*>(value);
    }
    std::uint32_t type_number() const { return type; }
    const void* pointer() const { return value; }
    void* pointer() { return value; }

    template <class Archive>
    void serialize(Archive& archive) {
        std::span<const std::byte> bytes;
        if constexpr (Archive::is_writing) {
            alignas(16) std::byte small[256];
            serial::writer out(small);
            if (value != nullptr) operations().encode(value, out);
            bytes = out.bytes();
            archive(type, bytes);
        } else {
            reset();
            std::uint32_t sent = 0;
            archive(sent, bytes);
            sent = registry::translated(sent);
            if (sent == 0) return;
            if (!registry::instance().is<boxed_type>(sent)) throw decode_error("an unknown type of value", "", 0);
            type = sent;
            serial::reader in(bytes);
            if (operations().read != nullptr) {
                operations().read(room, in);
                value = room;
            } else {
                value = operations().decode(in);
            }
        }
    }

private:
    const boxed_type& operations() const { return registry::get<boxed_type>(type); }
    void clear() {
        if (value != nullptr && value != room) operations().destroy(value);
        value = nullptr;
    }
    void take(boxed& other) {
        type = std::exchange(other.type, 0);
        if (other.value == other.room) copy_room(other);
        value = other.value == other.room ? room : other.value;
        other.value = nullptr;
    }

    /// Two words, which the compiler is not to join: a wide load waits for the narrow store of a value just made.
    void copy_room(const boxed& other) {
        std::uint64_t words[2];
        std::memcpy(words, other.room, sizeof words);
        asm("" : "+r"(words[0]), "+r"(words[1])); // NOLINT(hicpp-no-assembler)
        std::memcpy(room, words, sizeof words);
    }

    std::uint32_t type = 0;
    void* value = nullptr;
    alignas(8) std::byte room[16]{}; ///< for small values
};

} // namespace motet::inline MOTET_VARIANT::runtime
