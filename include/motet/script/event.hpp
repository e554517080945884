// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/inspect.hpp>
#include <motet/script/lease.hpp>

#if MOTET_BODIES

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <utility>
#include <vector>

/// What clients are told of hooks and freezes: events, in a list that they may wait for.
namespace motet::inline MOTET_VARIANT::script {

class event_board {
public:
    explicit event_board(std::function<value(runtime::pe&)> how) : state(std::move(how)) {}

    void remember(const runtime::pe& p, value::dict event);
    void tell_watchers(runtime::pe& p);
    void tell(runtime::pe& p, value::dict event) {
        remember(p, std::move(event));
        tell_watchers(p);
    }
    void take(runtime::pe& p, client_number who, const events_request& request, answer_to answer);
    /// The client is gone.
    void lose(client_number who) {
        std::erase_if(watchers, [&](const watcher& each) { return each.who == who; });
    }
    std::uint64_t last() const { return last_event; }

private:
    struct watcher {
        std::uint64_t since;
        client_number who;
        answer_to answer;
    };
    static constexpr std::size_t most_events = 1000;

    std::function<value(runtime::pe&)> state; ///< that of the program, which goes with each list: a dict
    std::deque<value> events;
    std::uint64_t last_event = 0;
    std::vector<watcher> watchers;
};

inline void event_board::remember(const runtime::pe& p, value::dict event) {
    value::dict numbered;
    add(numbered, "number", number_value(++last_event));
    for (auto& each : event.items) numbered.items.push_back(std::move(each));
    events.push_back({std::move(numbered)});
    if (const auto& log = script_control::of(p.job).log) {
        log_line line;
        line.add("does", "event");
        for (const char* name : {"kind", "when", "chare", "entry", "text"})
            if (const value* const found = events.back().find(name)) line.add(name, found->text());
        for (const char* name : {"hook", "pe"})
            if (const value* const found = events.back().find(name)) line.add(name, std::vector{found->integer()});
        log->write(line);
    }
    if (events.size() > most_events) events.pop_front();
}

inline void event_board::tell_watchers(runtime::pe& p) {
    const auto last = std::stable_partition(watchers.begin(), watchers.end(),
                                            [&](const watcher& each) { return each.since >= last_event; });
    std::vector<watcher> told(std::make_move_iterator(last), std::make_move_iterator(watchers.end()));
    watchers.erase(last, watchers.end());
    for (watcher& each : told) take(p, each.who, events_request{each.since, false}, std::move(each.answer));
}

inline void event_board::take(runtime::pe& p, client_number who, const events_request& request, answer_to answer) {
    if (request.wait && request.since >= last_event) {
        watchers.push_back({request.since, who, std::move(answer)});
        return;
    }
    value all = state(p);
    value::list news;
    for (const value& each : events)
        if (static_cast<std::uint64_t>(each.find("number")->integer()) > request.since) news.items.push_back(each);
    add(std::get<value::dict>(all.data), "events", {std::move(news)});
    answer(finding(std::move(all)));
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
