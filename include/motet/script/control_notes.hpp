// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/control.hpp>

#if MOTET_BODIES

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

/// What processes note to each other about scripts: step 5 of control.hpp.
namespace motet::inline MOTET_VARIANT::script {

inline void script_control::note(std::uint32_t process, const script_note& what) {
    job.remote->note(process, serial::encode(what).bytes());
}

inline void script_control::note_others(script_note::kinds kind, std::uint64_t run) {
    if (!job.remote) return;
    script_note what;
    what.kind = kind;
    what.run = run;
    for (std::uint32_t q = 0; q < job.process_total(); ++q)
        if (q != job.remote->process_number()) note(q, what);
}

/// To process 0; with the lock.
inline void script_control::tell_place(std::uint64_t run) {
    if (!job.remote || job.options.embedded || job.remote->process_number() == 0) return;
    script_note what;
    what.kind = script_note::place;
    what.process = job.remote->process_number();
    what.run = run;
    what.text = place_of(run).substr(0, most_told);
    note(0, what);
}

inline void script_control::send_output() {
    // Where nobody listens the run could be taken for one at rest while this is on its way: it goes with the outcome.
    if (!job.remote || !job.listening || job.remote->process_number() == 0) return;
    const std::size_t sent = ahead;
    if (sent >= most_ahead) return;
    output.send_ahead(most_ahead - sent, [&](std::uint32_t handle, const std::string& text, std::uint64_t dropped) {
        ahead += text.size();
        script_note what;
        what.kind = script_note::output;
        what.process = job.remote->process_number();
        what.handle = handle;
        what.amount = dropped;
        what.text = text;
        note(0, what);
    });
}

inline void script_control::take_note(runtime::machine& job, std::span<const std::byte> bytes) {
    script_control* const own = find(job);
    if (own == nullptr) return;
    script_note what;
    serial::decode_into(bytes, what);
    switch (what.kind) {
    case script_note::interrupt: own->interrupt_here(what.run); break;
    case script_note::leave: own->let_leave_here(what.run); break;
    case script_note::output: {
        own->output.add_arrived(what.handle, what.text, what.amount);
        script_note back;
        back.kind = script_note::acknowledge;
        back.amount = what.text.size();
        own->note(what.process, back);
        break;
    }
    case script_note::place: own->runs.note_place(what.run, what.process, what.text); break;
    default: own->ahead -= what.amount; break;
    }
}

/// Before main.
inline const bool takes_notes = [] {
    runtime::machine::take_note = &script_control::take_note;
    return true;
}();

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
