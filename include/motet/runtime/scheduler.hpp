// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/fiber/fiber.hpp>
#include <motet/fiber/overflow_guard.hpp>
#include <motet/fiber/stack.hpp>
#include <motet/variant.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace motet::inline MOTET_VARIANT::runtime {

/// The fibers of one thread, of which exactly one carries the scheduling loop at any time.
///
/// 1. The loop calls handlers straight on the stack of the fiber that carries it.
/// 2. When a handler has to wait, `park` takes a spare fiber (or makes one) that carries the loop on.
/// 3. `resume` makes the carrier a spare, which stands inside the loop, and goes to the parked fiber. When the handler
///    there returns, it returns into its own loop, which goes on from there.
/// 4. Spares keep the memory that they have touched. Of more than `most_spares` all others are ended, where they stand:
///    so no frame between the loop and `resume` may own anything.
class scheduler {
public:
    static constexpr std::size_t most_spares = 1024;

    /// `loop(context)` runs on the fibers; it returns when the scheduler is to stop.
    scheduler(std::size_t stack_size, void (*loop)(void*), void* context)
        : stacks(stack_size), loop_function(loop), loop_context(context) {}
    scheduler(const scheduler&) = delete;
    scheduler& operator=(const scheduler&) = delete;
    ~scheduler() {
        for (fiber::fiber* spare : spares) fiber::fiber::destroy(stacks, spare);
    }

    /// Runs the loop on fibers until it returns; called on the thread's own stack.
    void run() {
        running = take_spare();
        fiber::switch_to(native, *running);
        while (native_call != nullptr) {
            std::exchange(native_call, nullptr)(native_argument);
            fiber::switch_to(native, *running);
        }
        spares.push_back(running);
        running = nullptr;
    }
    /// Sees to it that `park` will not fail for want of a stack. Throws `error`.
    void prepare() {
        if (spares.empty()) [[unlikely]]
            spares.push_back(fiber::fiber::create(stacks, &carry, this));
    }
    /// Hands the loop on; returns when the calling fiber is resumed.
    void park() {
        fiber::fiber* self = running;
        running = take_spare();
        fiber::switch_to(*self, *running);
    }
    /// Goes on with a parked fiber; returns when another one hands the loop on to the caller.
    void resume(fiber::fiber* parked) {
        fiber::fiber* self = running;
        if (spares.size() == most_spares) [[unlikely]] {
            fiber::fiber::destroy(stacks, spares.back());
            spares.pop_back();
        }
        spares.push_back(self);
        running = parked;
        fiber::switch_to(*self, *parked);
    }
    /// Calls f(argument), which may not throw or park, on the thread's own stack: for what must not run on a fiber's.
    void call_on_thread(void (*f)(void*), void* argument) {
        native_call = f;
        native_argument = argument;
        fiber::switch_to(*running, native);
    }
    /// The fiber that runs; null outside `run`.
    fiber::fiber* current() const { return running; }
    std::size_t spare_count() const { return spares.size(); }

private:
    fiber::fiber* take_spare() {
        prepare();
        fiber::fiber* spare = spares.back();
        spares.pop_back();
        return spare;
    }
    static void carry(void* self_pointer) {
        auto& self = *static_cast<scheduler*>(self_pointer);
        for (;;) {
            self.loop_function(self.loop_context);
            fiber::switch_to(*self.running, self.native);
        }
    }

    fiber::thread_fiber native;
    fiber::stack_pool stacks;
    std::vector<fiber::fiber*> spares;
    fiber::fiber* running = nullptr;
    void (*native_call)(void*) = nullptr;
    void* native_argument = nullptr;
    void (*loop_function)(void*);
    void* loop_context;
};

} // namespace motet::inline MOTET_VARIANT::runtime
