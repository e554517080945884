// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

/// Large contiguous data need not be copied into a writer's memory: a writer that has a `lender` leaves it where it is
/// and notes where that is; whoever sends the written bytes sends it beside them. A reader that has a `borrower` makes
/// room for it, notes where, and whoever received the bytes receives it there. Both decide by the same rule.
/// Nothing is lent inside a user's own `serialize`, which may look at what it reads, inside sets and maps, whose keys
/// are compared, nor inside what is shared.
namespace motet::serial {

/// Its address stands for a type.
template <class T>
inline constexpr char type_mark = 0;

/// Large containers whose values have been sent, for what is received next: to get that much memory from the system,
/// and to fill it with zeros first, takes as long as to receive the data.
class spare_containers {
public:
    static constexpr std::size_t most = 8;
    static constexpr std::size_t most_bytes = 256 << 20;

    spare_containers() = default;
    spare_containers(spare_containers&&) noexcept = default;
    spare_containers& operator=(spare_containers&&) = delete;
    ~spare_containers() { clear(); }

    /// Takes over what `container` has.
    template <class T>
    void keep(T& container) {
        const std::size_t bytes = container.capacity() * sizeof(typename T::value_type);
        if (bytes > most_bytes) return;
        while (items_.size() == most || bytes_ + bytes > most_bytes) drop(0);
        items_.push_back(
            {new T(std::move(container)), &type_mark<T>, bytes, [](void* object) { delete static_cast<T*>(object); }});
        bytes_ += bytes;
    }
    /// Gives `container` memory for `count` elements, if there is some of that kind that is not twice as large: what
    /// was kept last, which the processor may still have at hand.
    template <class T>
    void use(T& container, std::size_t count) {
        const std::size_t bytes = count * sizeof(typename T::value_type);
        for (std::size_t i = items_.size(); i-- > 0;) {
            if (items_[i].mark != &type_mark<T> || items_[i].bytes < bytes || items_[i].bytes / 2 > bytes) continue;
            container.swap(*static_cast<T*>(items_[i].object));
            return drop(i);
        }
    }
    void clear() {
        while (!items_.empty()) drop(items_.size() - 1);
    }
    bool empty() const { return items_.empty(); }

private:
    struct item {
        void* object;
        const char* mark;
        std::size_t bytes;
        void (*destroy)(void*);
    };
    void drop(std::size_t which) {
        const item gone = items_[which];
        items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(which));
        bytes_ -= gone.bytes;
        gone.destroy(gone.object);
    }
    std::vector<item> items_;
    std::size_t bytes_ = 0;
};

/// What a writer leaves where it is. The data must stay until it is sent.
struct lender {
    static constexpr std::size_t least = 32 << 10; ///< bytes; smaller data is cheaper to copy
    static constexpr std::size_t most = 64;        ///< pieces

    struct piece {
        std::span<const std::byte> data;
        void* container;
        void (*keep)(void* container, spare_containers&); ///< when it is sent, and the value not needed any more
    };
    std::vector<piece> lent;

    bool takes(std::size_t bytes) const noexcept { return bytes >= least && lent.size() < most; }
};

/// Where a reader wants what was lent; `announced` are the sizes, in bytes, of what is to come.
struct borrower {
    std::span<const std::uint64_t> announced;
    spare_containers& spare;
    std::vector<std::span<std::byte>> places{};

    bool takes(std::size_t bytes) const noexcept { return bytes >= lender::least && places.size() < lender::most; }
    /// Whether the next piece has this size.
    bool expects(std::size_t bytes) const noexcept {
        return places.size() < announced.size() && announced[places.size()] == bytes;
    }
};

/// While it lives, everything is copied.
template <class Side>
class copies_only {
public:
    explicit copies_only(Side& side) noexcept : side_(side), before_(side.lends) { side.lends = nullptr; }
    copies_only(copies_only&&) = delete;
    ~copies_only() { side_.lends = before_; }

private:
    Side& side_;
    decltype(Side::lends) before_;
};

} // namespace motet::serial
