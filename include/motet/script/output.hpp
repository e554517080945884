// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/variant.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

/// What scripts print, between the moment they print it and the moment somebody takes it.
namespace motet::inline MOTET_VARIANT::script {

/// The newest part of a text, up to a bound, and how many bytes before it are gone.
class output_ring {
public:
    static constexpr std::size_t most = std::size_t{1} << 20;

    void add(std::string_view more) {
        if (more.size() > most) {
            dropped += text.size() + (more.size() - most);
            text.clear();
            more.remove_prefix(more.size() - most);
        }
        text += more;
        if (text.size() > 2 * most) drop_to(most); // now and then: what is moved costs as much as what was added
    }
    bool empty() const { return text.empty() && dropped == 0; }
    /// The text, at most the newest `most` bytes of it; `gone` becomes the number of bytes before it.
    std::string take(std::uint64_t& gone) {
        if (text.size() > most) drop_to(most);
        gone = std::exchange(dropped, 0);
        return std::exchange(text, {});
    }
    /// The same with a line about what is gone.
    std::string take() {
        std::uint64_t gone = 0;
        std::string all = take(gone);
        return gone == 0 ? all : "[" + std::to_string(gone) + " bytes of output dropped]\n" + all;
    }
    /// What was taken, and not delivered.
    void give_back(std::string_view taken, std::uint64_t gone) {
        text.insert(0, taken);
        dropped += gone;
        if (text.size() > most) drop_to(most);
    }
    /// The oldest bytes, at most so many. What is gone stays counted.
    std::string take_some(std::size_t count) {
        if (text.size() > most) drop_to(most);
        std::string some = text.substr(0, count);
        text.erase(0, count);
        return some;
    }
    void note_dropped(std::uint64_t bytes) { dropped += bytes; }
    std::uint64_t take_dropped() { return std::exchange(dropped, 0); }

private:
    void drop_to(std::size_t left) {
        std::size_t first = text.size() - left;
        while (first < text.size() && (static_cast<unsigned char>(text[first]) & 0xc0) == 0x80)
            ++first; // whole letters
        dropped += first;
        text.erase(0, first);
    }

    std::string text;
    std::uint64_t dropped = 0;
};

/// The output of the scripts of a process, by handle: in process 0 that of all scripts, until a client takes it; in
/// another one that of its own, until it has been sent to process 0. Any thread may use it; it needs neither Python's
/// lock nor a PE, so that output gets through while a script keeps its PE.
class output_board {
public:
    void add(std::uint32_t handle, std::string_view text) {
        tellers tell;
        {
            const std::lock_guard lock(guard);
            entry& e = all[handle];
            e.ring.add(text);
            to_be_told(e, tell);
        }
        for (const auto& each : tell)
            if (each) each();
    }
    /// What came from another process, which sent it ahead of its outcome.
    void add_arrived(std::uint32_t handle, std::string_view text, std::uint64_t dropped) {
        tellers tell;
        std::function<void()> complete;
        {
            const std::lock_guard lock(guard);
            entry& e = all[handle];
            e.ring.note_dropped(dropped);
            e.ring.add(text);
            e.arrived += text.size();
            to_be_told(e, tell);
            if (e.complete && e.arrived >= e.expected) complete = std::exchange(e.complete, nullptr);
        }
        for (const auto& each : tell)
            if (each) each();
        if (complete) complete();
    }
    /// The outcomes say that so many bytes were sent ahead. True if all are there; else `complete` is called, by any
    /// thread, when they are.
    bool expect(std::uint32_t handle, std::uint64_t bytes, std::function<void()> complete) {
        const std::lock_guard lock(guard);
        entry& e = all[handle];
        e.expected += bytes;
        if (e.arrived >= e.expected) return true;
        e.complete = std::move(complete);
        return false;
    }
    bool empty(std::uint32_t handle) {
        const std::lock_guard lock(guard);
        const auto found = all.find(handle);
        return found == all.end() || found->second.ring.empty();
    }
    std::string take(std::uint32_t handle, std::uint64_t& dropped) {
        const std::lock_guard lock(guard);
        entry& e = all[handle];
        e.told = {};
        return e.ring.take(dropped);
    }
    std::string take(std::uint32_t handle) {
        const std::lock_guard lock(guard);
        entry& e = all[handle];
        e.told = {};
        return e.ring.take();
    }
    /// What was taken, and not delivered: it stays while the handle does.
    void give_back(std::uint32_t handle, std::string_view text, std::uint64_t dropped) {
        const std::lock_guard lock(guard);
        if (const auto found = all.find(handle); found != all.end()) found->second.ring.give_back(text, dropped);
    }
    enum watcher : std::size_t { stream, print };
    /// From now on `tell` is called when there is something to take; by any thread, and once for each time of taking.
    /// An empty one: nobody is told any more.
    void watch(std::uint32_t handle, watcher who, std::function<void()> tell) {
        const std::lock_guard lock(guard);
        entry& e = all[handle];
        e.tell[who] = std::move(tell);
        e.told[who] = false;
    }
    void forget(std::uint32_t handle) {
        const std::lock_guard lock(guard);
        all.erase(handle);
    }

    // In a process other than 0.

    /// Gives each handle's oldest output, at most `most` bytes in all, to `send(handle, text, dropped)`.
    template <class Send>
    void send_ahead(std::size_t most, Send&& send) {
        const std::lock_guard lock(guard);
        for (auto& [handle, e] : all)
            while (most > 0 && !e.ring.empty()) {
                const std::uint64_t dropped = e.ring.take_dropped();
                const std::string some = e.ring.take_some(std::min(most, most_sent));
                e.sent += some.size();
                most -= some.size();
                send(handle, some, dropped + e.ring.take_dropped());
            }
    }
    /// The rest of what a script printed here goes with its outcome. `sent`: bytes that went ahead.
    std::string take_rest(std::uint32_t handle, std::uint64_t& sent) {
        const std::lock_guard lock(guard);
        const auto found = all.find(handle);
        if (found == all.end()) return {};
        sent = found->second.sent;
        std::string rest = found->second.ring.take();
        all.erase(found);
        return rest;
    }

    static constexpr std::size_t most_sent = 3000; ///< bytes at a time

private:
    using tellers = std::array<std::function<void()>, 2>;
    struct entry {
        output_ring ring;
        tellers tell; ///< by watcher
        std::array<bool, 2> told{};
        std::uint64_t sent = 0;     ///< ahead of the outcome, elsewhere
        std::uint64_t arrived = 0;  ///< of that, here
        std::uint64_t expected = 0; ///< of that, as the outcomes say
        std::function<void()> complete;
    };
    static void to_be_told(entry& e, tellers& which) {
        for (std::size_t i = 0; i < which.size(); ++i)
            if (e.tell[i] && !std::exchange(e.told[i], true)) which[i] = e.tell[i];
    }

    std::mutex guard;
    std::map<std::uint32_t, entry> all;
};

} // namespace motet::inline MOTET_VARIANT::script
