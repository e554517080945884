// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/registry.hpp>
#include <motet/serial/serial.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <typeinfo>
#include <utility>

namespace motet::inline MOTET_VARIANT::runtime {

struct boxed_type {
    void (*destroy)(void*);
    void* (*copy)(const void*);
    void (*encode)(const void*, serial::writer&);
    void* (*decode)(serial::reader&);
    const char* (*name)(); ///< mangled, of the type
};

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
    static constexpr boxed_type operations{&destroy, &copy, &encode, &decode, &name};
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
        b.value = new T(std::move(value));
        b.type = boxed_as<T>::id();
        return b;
    }
    boxed(boxed&& other) noexcept : type(std::exchange(other.type, 0)), value(std::exchange(other.value, nullptr)) {}
    boxed& operator=(boxed&& other) noexcept {
        std::swap(type, other.type);
        std::swap(value, other.value);
        return *this;
    }
    ~boxed() {
        if (value != nullptr) operations().destroy(value);
    }
    explicit operator bool() const { return value != nullptr; }
    boxed copy() const {
        boxed other;
        if (value == nullptr) return other;
        other.value = operations().copy(value);
        other.type = type;
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
            *this = {};
            std::uint32_t sent = 0;
            archive(sent, bytes);
            sent = registry::translated(sent);
            if (sent == 0) return;
            if (!registry::instance().knows(sent)) throw decode_error("an unknown type of value", "", 0);
            type = sent;
            serial::reader in(bytes);
            value = operations().decode(in);
        }
    }

private:
    const boxed_type& operations() const { return registry::get<boxed_type>(type); }

    std::uint32_t type = 0;
    void* value = nullptr;
};

} // namespace motet::inline MOTET_VARIANT::runtime
