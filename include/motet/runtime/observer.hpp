// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/message.hpp>
#include <motet/runtime/waiter.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace motet::inline MOTET_VARIANT::runtime {

class pe;

/// Whoever observes what a PE does: timelines and statistics (trace/); what else looks at every message has its place
/// here too. While nobody does, this costs no more than a look at a flag.
///
/// 1. `sent`: what runs sends a message (not one of those that quiescence does not count, nor one that was held or
///    forwarded, again). Nothing runs, and p.current_frame is null, where the run begins. `serialized`: it leaves for
///    another process, in so many bytes.
/// 2. `began`: a handler begins to run: a method of a chare, a hook, or a step of the runtime. It is p.current_frame.
///    With its message, or null: a hook runs, or a broadcast goes through the elements.
/// 3. `parked`: the handler waits, and with it all whose frames are below; those of them that are observed were open
///    until now. `resumed`: they go on together, unless w.cancelled: then they are unwound, because the run ends.
/// 4. `ended`: the handler has returned, or thrown. Not called for one that is unwound while it waits.
///
/// All are called on the PE that they name, and must not wait, send or throw. `now` is the PE's clock.
struct observer {
    virtual ~observer() = default;
    virtual void sent(pe&, pe_number /*to*/, message&) {}
    virtual void serialized(pe&, const message&, std::size_t /*bytes*/) {}
    virtual void began(pe&, const frame&, message*) {}
    virtual void parked(pe&, const waiter&, double /*now*/) {}
    virtual void resumed(pe&, const waiter&, double /*now*/) {}
    virtual void ended(pe&, const frame&, double /*now*/) {}

    std::unique_ptr<observer> next; ///< of the same PE
};

/// Those who observe a PE.
class observer_list {
public:
    bool empty() const { return first == nullptr; }
    void add(std::unique_ptr<observer> more) {
        more->next = std::move(first);
        first = std::move(more);
    }
    void remove(const observer& gone) {
        for (std::unique_ptr<observer>* each = &first; *each; each = &(*each)->next)
            if (each->get() == &gone) {
                *each = std::move((*each)->next);
                return;
            }
    }
    /// The one of that kind; null if there is none.
    template <class Kind>
    Kind* find() const {
        for (observer* each = first.get(); each != nullptr; each = each->next.get())
            if (auto* const found = dynamic_cast<Kind*>(each)) return found;
        return nullptr;
    }
    /// Calls a member of each.
    template <class... P, class... A>
    void tell(void (observer::*what)(P...), A&&... a) const {
        for (observer* each = first.get(); each != nullptr; each = each->next.get()) (each->*what)(a...);
    }

private:
    std::unique_ptr<observer> first;
};

/// The first frame that is observed, from `f` on down its fiber; or null.
inline const frame* observed(const frame* f) {
    while (f != nullptr && f->run == 0) f = f->below;
    return f;
}

} // namespace motet::inline MOTET_VARIANT::runtime
