// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/serial/check.hpp>
#include <motet/serial/codec.hpp>

#include <cstddef>

namespace motet::serial {

/// What a user's `serialize` gets when its object is written: `archive(a, b, c)` writes them.
class write_archive {
public:
    /// Tells a `serialize` which way it goes, when compiled.
    static constexpr bool is_writing = true;

    explicit write_archive(writer& out) noexcept : out_(out) {}

    template <class... T>
    void operator()(const T&... items) {
        (check_serializable<T>(), ...);
        if constexpr ((serializable<T> && ...)) (put(out_, items), ...);
    }
    /// For what is written without being known by its type here.
    writer& sink() noexcept { return out_; }

private:
    writer& out_;
};

/// What a user's `serialize` gets when its object is read: `archive(a, b, c)` reads them.
class read_archive {
public:
    static constexpr bool is_writing = false;

    explicit read_archive(reader& in) noexcept : in_(in) {}

    /// Throws decode_error; the items have no names, so its path has their numbers.
    template <class... T>
    void operator()(T&... items) {
        (check_serializable<T>(), ...);
        if constexpr ((serializable<T> && ...)) (read_item(items), ...);
    }
    /// For what is read without being known by its type here.
    reader& origin() noexcept { return in_; }

private:
    template <class T>
    void read_item(T& item) {
        try {
            get(in_, item);
        } catch (const decode_error& inner) {
            fail_below(item_, inner);
        }
        ++item_;
    }

    reader& in_;
    std::size_t item_ = 0;
};

/// Types with a `serialize` of their own, one function for both directions: a member `serialize(archive)`, or a
/// function `serialize(archive, value)` in the namespace of the type. What writes nothing takes one byte all the same.
template <class T>
struct codec<T, kind::own> {
    using parts = types<>;
    static constexpr std::size_t fixed = 0;
    static constexpr std::size_t least = 1;

    static void write(writer& out, const T& value) {
        const copies_only<writer> whole(out);
        const std::size_t before = out.size();
        write_archive archive(out);
        call(archive, const_cast<T&>(value));
        if (out.size() == before) put(out, false);
    }

    static void read(reader& in, T& value) {
        const copies_only<reader> whole(in);
        const std::size_t before = in.position();
        read_archive archive(in);
        call(archive, value);
        bool nothing;
        if (in.position() == before) get(in, nothing);
    }

private:
    template <class Archive>
    static void call(Archive& archive, T& value) {
        if constexpr (has_member_serialize<T>) {
            value.serialize(archive);
        } else {
            serialize(archive, value);
        }
    }
};

} // namespace motet::serial
