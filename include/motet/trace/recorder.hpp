// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/part.hpp>
#include <motet/runtime/observer.hpp>
#include <motet/runtime/pe.hpp>
#include <motet/trace/records.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace motet::inline MOTET_VARIANT::trace {

#if MOTET_BODIES

/// A number that nothing else has in the whole job: the `serial`-th of a PE.
inline std::uint64_t number_of(runtime::pe_number pe, std::uint64_t serial) {
    constexpr int serial_bits = 36;
    return (std::uint64_t{pe} << serial_bits) | (serial & ((std::uint64_t{1} << serial_bits) - 1));
}

/// Records what a PE does, for the timeline.
class recorder final : public runtime::observer {
public:
    /// `offset`: to be added to the PE's clock.
    recorder(std::size_t bytes, double offset) : records(bytes), clock_offset(offset) {
        last.flow = ~std::uint64_t{0}; // the first counts are other ones
    }

    void sent(runtime::pe& p, runtime::pe_number, runtime::message& m) override {
        const runtime::frame* f = observed(p.current_frame);
        if (f == nullptr || !f->is_open()) return; // an arrow begins in a slice
        record r = begin_record(record::what::sends, p.now());
        r.run = f->run;
        r.flow = number_of(p.number, ++flows);
        r.type = m.type;
        records.add(r);
        m.set(runtime::message::stamped);
        stamp_of(m) = {r.flow, r.time};
    }
    void began(runtime::pe& p, const runtime::frame& f, runtime::message* m) override {
        record r = record_of(record::what::begins, f, f.running_since);
        count(p, r.time);
        if (m != nullptr && m->has(runtime::message::stamped)) {
            r.flow = stamp_of(*m).flow;
            r.since = stamp_of(*m).time;
            m->unset(runtime::message::stamped); // the arrow ends here, also if the message goes on
        }
        records.add(r);
    }
    void ended(runtime::pe&, const runtime::frame& f, double now) override { close(f, now); }
    void parked(runtime::pe&, const runtime::waiter& w, double now) override {
        ++parked_fibers;
        for (const runtime::frame* f = observed(w.running); f != nullptr; f = observed(f->below))
            if (f->is_open()) close(*f, now);
    }
    void resumed(runtime::pe&, const runtime::waiter& w, double now) override {
        --parked_fibers;
        record r = record_of(record::what::waited, *w.running, now);
        r.since = w.since + clock_offset;
        if (const runtime::frame* f = observed(w.running)) r.run = f->run;
        records.add(r);
        if (!w.cancelled) open_again(observed(w.running), now);
    }

    record_buffer records;

private:
    static constexpr double count_period = 100e-6;  ///< seconds between two looks at the counts
    static constexpr std::uint32_t count_runs = 64; ///< runs between them, where they are so many

    record begin_record(record::what kind, double now) const {
        record r;
        r.kind = kind;
        r.time = now + clock_offset;
        return r;
    }
    record record_of(record::what kind, const runtime::frame& f, double now) const {
        record r = begin_record(kind, now);
        r.run = f.run;
        r.type = f.type;
        if (f.element != nullptr) {
            r.collection = static_cast<const runtime::part*>(f.part)->info->id;
            r.index = static_cast<const runtime::element_header*>(f.element)->index;
        }
        return r;
    }
    void close(const runtime::frame& f, double now) {
        record r = record_of(record::what::ends, f, now);
        r.since = f.running_since + clock_offset;
        records.add(r);
    }
    /// The outermost first.
    void open_again(const runtime::frame* f, double now) {
        if (f == nullptr) return;
        open_again(observed(f->below), now);
        records.add(record_of(record::what::begins, *f, now));
    }
    void count(const runtime::pe& p, double time) {
        if (time < counted + count_period && ++uncounted_runs < count_runs) return;
        counted = time;
        uncounted_runs = 0;
        record r;
        r.kind = record::what::counts;
        r.time = time;
        r.index = {p.queued(), p.state->held()};
        r.flow = parked_fibers;
        if (r.index == last.index && r.flow == last.flow) return;
        last = r;
        records.add(r);
    }

    const double clock_offset;
    std::uint64_t flows = 0; ///< messages numbered so far
    std::uint64_t parked_fibers = 0;
    double counted = -1;
    std::uint32_t uncounted_runs = count_runs - 1;
    record last; ///< counts
};

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::trace
