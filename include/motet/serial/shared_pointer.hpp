// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/serial/codec.hpp>

#include <cstddef>
#include <memory>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace motet::serial {

/// The shared objects a writer has met, each kept alive so that no other can take its address.
class shared_objects_written : public attachment {
public:
    /// The number of `object`, and whether it is new.
    template <class T>
    std::pair<std::size_t, bool> number(const std::shared_ptr<T>& object) {
        const key which{object.get(), &type_mark<std::remove_cv_t<T>>};
        const auto [at, fresh] = numbers_.try_emplace(which, numbers_.size());
        if (fresh) kept_.push_back(object);
        return {at->second, fresh};
    }

private:
    struct key {
        const volatile void* address;
        const char* type;
        bool operator==(const key&) const = default;
    };
    struct hash {
        std::size_t operator()(const key& which) const noexcept {
            return std::hash<const volatile void*>()(which.address) * 31 + std::hash<const char*>()(which.type);
        }
    };
    std::unordered_map<key, std::size_t, hash> numbers_;
    std::vector<std::shared_ptr<const void>> kept_;
};

/// The shared objects a reader has made, by number.
struct shared_objects_read : attachment {
    struct object {
        std::shared_ptr<void> pointer;
        const char* type;
    };
    std::vector<object> objects;
};

/// What of type T is attached to a writer or reader.
template <class T>
T& attached(std::unique_ptr<attachment>& to) {
    if (to == nullptr) to = std::make_unique<T>();
    return static_cast<T&>(*to);
}

/// Writes nothing (0), a new object (1 and the object) or one met before (2 and its number).
template <class T>
void put_shared(writer& out, const std::shared_ptr<T>& pointer) {
    const copies_only<writer> whole(out);
    if (pointer == nullptr) {
        out.put_size(0);
        return;
    }
    const nested level(out);
    const auto [number, fresh] = attached<shared_objects_written>(out.shared).number(pointer);
    out.put_size(fresh ? 1 : 2);
    if (fresh) {
        put(out, static_cast<const std::remove_cv_t<T>&>(*pointer));
    } else {
        out.put_size(number);
    }
}

/// Reads what put_shared wrote. An object has its number before it is read, so that it may lead back to itself.
template <class T>
std::shared_ptr<T> get_shared(reader& in) {
    const std::size_t how = in.take_size();
    if (how == 0) return nullptr;
    const nested level(in);
    const copies_only<reader> whole(in);
    auto& objects = attached<shared_objects_read>(in.shared).objects;
    constexpr const char* type = &type_mark<T>;
    if (how == 1) {
        auto fresh = std::make_shared<T>();
        objects.push_back({fresh, type});
        get(in, *fresh);
        return fresh;
    }
    if (how != 2) in.fail("a shared pointer is neither null, nor a new object, nor one met before");
    const std::size_t number = in.take_size();
    if (number >= objects.size() || objects[number].type != type) {
        in.fail("a shared pointer leads to an object that was not met before, or is of another type");
    }
    return std::static_pointer_cast<T>(objects[number].pointer);
}

/// std::shared_ptr: what is shared when written through one writer is shared again when read through one reader.
template <class T>
struct codec<T, kind::shared_pointer> {
    using element = std::remove_cv_t<typename T::element_type>;
    using parts = types<element>;
    static constexpr std::size_t fixed = 0;
    static constexpr std::size_t least = 1;

    static void write(writer& out, const T& value) { put_shared(out, value); }
    static void read(reader& in, T& value) { value = get_shared<element>(in); }
};

/// std::weak_ptr: as the shared one; empty after reading if no std::shared_ptr read by the same reader owns the object.
template <class T>
struct codec<T, kind::weak_pointer> {
    using element = std::remove_cv_t<typename T::element_type>;
    using parts = types<element>;
    static constexpr std::size_t fixed = 0;
    static constexpr std::size_t least = 1;

    static void write(writer& out, const T& value) { put_shared(out, value.lock()); }
    static void read(reader& in, T& value) { value = get_shared<element>(in); }
};

} // namespace motet::serial
