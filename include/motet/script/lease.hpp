// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/debug_request.hpp>
#include <motet/script/desk.hpp>

#include <cstdint>

namespace motet::inline MOTET_VARIANT::script {

/// Who asks: a client's number; 0: the program itself.
using client_number = std::uint64_t;

} // namespace motet::inline MOTET_VARIANT::script

#if MOTET_BODIES

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

/// How long a program stands still: a freeze is a lease (debug.hpp, step 4).
namespace motet::inline MOTET_VARIANT::script {

inline script_answer refusal(std::string why) { return {.error = std::move(why)}; }
inline script_answer finding(value what) {
    script_answer answer;
    answer.found = std::move(what);
    return answer;
}

/// Calls F(pe) on this PE after so many seconds, also while it stands still.
template <auto F>
void later(runtime::pe& p, double seconds) {
    runtime::message* const m = runtime::call<F>::make(p);
    m->set(runtime::message::uncounted);
    m->set(runtime::message::expedited);
    p.send_after(seconds, m);
}
/// Who holds a freeze: it lasts until nobody does.
class leases {
public:
    static constexpr double longest = 1e9;

    bool empty() const { return all.empty(); }
    std::size_t size() const { return all.size(); }
    /// When the last ends, as the PE's clock goes; infinite: with its client.
    double until() const {
        double latest = 0;
        for (const lease& each : all) latest = std::max(latest, each.until);
        return latest;
    }
    /// Whether a freeze may be held so long; else that is the answer.
    static bool may_hold(double seconds, const answer_to& answer) {
        if (seconds >= 0 && seconds <= longest) return true;
        answer(refusal("a freeze is held for 0 to 1e9 seconds, and this is " + std::to_string(seconds)));
        return false;
    }
    /// For so many seconds; 0: as long as its client is there.
    void hold(runtime::pe& p, client_number who, double seconds);
    /// Those whose time is over end.
    void expire(double now) {
        std::erase_if(all, [&](const lease& each) { return each.until <= now; });
    }
    /// The client lets go. What no client holds may be ended by any.
    void let_go(client_number who, bool every_one) {
        std::erase_if(all, [&](const lease& each) { return every_one || each.holder == who || each.holder == 0; });
    }
    /// The client is gone.
    void lose(client_number who) {
        std::erase_if(all, [&](const lease& each) { return each.holder == who; });
    }

private:
    struct lease {
        client_number holder = 0; ///< it ends with this client; 0: it does not
        double until = forever;
    };
    static constexpr double forever = std::numeric_limits<double>::infinity();

    std::vector<lease> all;
};

/// On PE 0, when a lease may be over (debug.hpp).
inline void wake_for_leases(runtime::pe& first);

inline void leases::hold(runtime::pe& p, client_number who, double seconds) {
    if (seconds <= 0 && who == 0) return; // of a client that is gone
    if (seconds <= 0) {
        if (std::none_of(all.begin(), all.end(),
                         [&](const lease& each) { return each.holder == who && each.until == forever; }))
            all.push_back({who, forever});
        return;
    }
    all.push_back({0, p.now() + seconds});
    later<&wake_for_leases>(p, seconds);
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
