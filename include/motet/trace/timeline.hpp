// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/local.hpp>
#include <motet/trace/clock.hpp>
#include <motet/trace/names.hpp>
#include <motet/trace/recorder.hpp>

#include <fmt/core.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

/// The timeline as a file: JSON trace events, as Perfetto and chrome://tracing read them ("Trace Event Format",
/// Google).
///
/// 1. Each run of a handler is a slice (B, E) of its PE's thread; one that waits ends its slice, and begins another
///    when it goes on. Wherever slices of equal time stand in one another, the order in the file says how.
/// 2. A wait is an asynchronous slice (b, e) under the number of the run that waits, which the slices tell too.
/// 3. A message is an arrow (s, f) from the slice that sends it to the one that it is for. Broadcasts and replies go
///    through steps of the runtime, which are slices of a category of their own.
/// 4. Counts of messages in line, messages held back and parked fibers are counters (C).
/// 5. Where records were dropped, the slices that were open are shown from their begin on. An arrow is shown if its
///    message was sent after the last record that any PE has dropped (`complete_since`): then both ends are there.
namespace motet::inline MOTET_VARIANT::trace {

#if MOTET_BODIES

/// Takes text in large pieces.
class text_sink {
public:
    text_sink() = default;
    text_sink(const text_sink&) = delete;
    text_sink& operator=(const text_sink&) = delete;
    virtual ~text_sink() = default;

    void add(std::string_view more) {
        text += more;
        if (text.size() >= piece) flush();
    }
    void flush() {
        if (!text.empty()) write(text);
        text.clear();
    }

private:
    static constexpr std::size_t piece = 1u << 20;
    virtual void write(std::string_view) = 0;
    std::string text;
};

/// How many bytes the character has that text begins with; 0: it is not UTF-8.
inline std::size_t character_size(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto size = static_cast<std::size_t>(std::countl_one(byte(0)));
    if (size == 0) return 1;
    if (size == 1 || size > 4 || size > text.size()) return 0;
    std::uint32_t code = byte(0) & (0x7fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return 0;
        code = code << 6 | (byte(i) & 0x3fu);
    }
    constexpr std::uint32_t least[] = {0x80, 0x800, 0x10000};
    return code < least[size - 2] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : size;
}

/// A string of JSON, with its quotes. Readers refuse all of a file in which one is not UTF-8.
inline std::string in_quotes(std::string_view text) {
    std::string result = "\"";
    for (std::size_t size = 1; !text.empty(); text.remove_prefix(size)) {
        const char c = text.front();
        size = character_size(text);
        if (size == 0) {
            size = 1;
            result += "\\ufffd";
        } else if (c == '"' || c == '\\') {
            result += '\\';
            result += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            char code[8];
            std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
            result += code;
        } else {
            result += text.substr(0, size);
        }
    }
    return result + '"';
}

/// The clocks and limits of all PEs of a process.
struct time_frame {
    clock_reading begin;
    clock_reading end;
    double complete_since = 0; ///< step 5
};

/// Writes the events of processes and their PEs.
class timeline_writer {
public:
    timeline_writer(text_sink& into, const time_frame& of) : out(into), times(of) {}

    /// What follows belongs to this process. The first event of a file has no comma before it.
    void add_process(const runtime::process& each, bool first_of_file) {
        pid = each.number + 1; // 0 is the idle process to some readers
        first = first_of_file;
        event("M", fmt::format(R"("name":"process_name","args":{{"name":"process {}"}})", each.number));
        event("M", fmt::format(R"("name":"process_sort_index","args":{{"sort_index":{}}})", pid));
    }
    void add_pe(runtime::pe& p, const record_buffer& records) {
        on = &p;
        tid = p.number + 1;
        event("M", fmt::format(R"("tid":{},"name":"thread_name","args":{{"name":"PE {}"}})", tid, p.number));
        event("M", fmt::format(R"("tid":{0},"name":"thread_sort_index","args":{{"sort_index":{0}}})", tid));
        const std::vector<record> cut_off = open_at_the_begin(records);
        if (records.dropped() > 0)
            event("i", records.dropped_until(),
                  fmt::format(R"("s":"t","cat":"trace","name":"{} records before this were dropped")",
                              records.dropped()));
        for (auto each = cut_off.rbegin(); each != cut_off.rend(); ++each) begin_slice(*each, each->since);
        std::size_t open = cut_off.size();
        double last = 0;
        records.for_each([&](const record& r) {
            last = r.time;
            switch (r.kind) {
            case record::what::begins:
                ++open;
                begin_slice(r, r.time);
                if (r.flow != 0 && r.since > times.complete_since) arrow("f", R"("bp":"e",)", r);
                break;
            case record::what::ends:
                --open;
                event("E", r.time);
                break;
            case record::what::sends:
                if (r.time > times.complete_since) arrow("s", "", r);
                break;
            case record::what::waited: wait(r); break;
            case record::what::counts:
                event("C", r.time,
                      fmt::format(R"("name":"PE {}","args":{{"queued":{},"held":{},"parked":{}}})", p.number,
                                  r.index.low, r.index.high, r.flow));
                break;
            }
        });
        for (; open > 0; --open) event("E", last); // what never came to its end
    }

private:
    /// Step 5: slices that end after the first record that is left, and began before it; the innermost first.
    static std::vector<record> open_at_the_begin(const record_buffer& records) {
        std::vector<record> found;
        std::size_t open = 0;
        records.for_each([&](const record& r) {
            if (r.kind == record::what::begins) ++open;
            if (r.kind != record::what::ends) return;
            if (open == 0)
                found.push_back(r);
            else
                --open;
        });
        return found;
    }
    void begin_slice(const record& r, double time) {
        const name_of_entry& name = names[r.type];
        event("B", time, fmt::format(R"("cat":"{}","name":{},{})", category(name), in_quotes(name.text), arguments(r)));
    }
    void arrow(const char* phase, const char* more, const record& r) {
        event(phase, r.time,
              fmt::format(R"({}"cat":"{}","name":"message","id":"{:#x}")", more, category(names[r.type]), r.flow));
    }
    void wait(const record& r) {
        const std::string what = fmt::format(R"("cat":"wait","name":{},"id":"{:#x}")",
                                             in_quotes(names[r.type].text + " waits"), number_of(on->number, r.run));
        event("b", r.since, what + "," + arguments(r));
        event("e", r.time, what);
    }
    static const char* category(const name_of_entry& name) { return name.of_runtime ? "runtime" : "entry"; }
    /// The chare, if there is one, and the number of the run.
    std::string arguments(const record& r) const {
        std::string chare;
        const auto& parts = runtime::local_chares::of(*on).parts;
        if (const auto found = parts.find(r.collection.bits()); found != parts.end())
            chare = R"("chare":)" + in_quotes(element_text(*found->second, r.index)) + ",";
        return fmt::format(R"("args":{{{}"run":{}}})", chare, r.run);
    }
    void event(const char* phase, double time, const std::string& more = {}) {
        const double shown = time + drift(times.begin, times.end, time) - times.begin.origin;
        event(phase, fmt::format(R"("tid":{},"ts":{:.3f}{}{})", tid, 1e6 * shown, more.empty() ? "" : ",", more));
    }
    void event(const char* phase, const std::string& more) {
        out.add(fmt::format("{}\n{{\"ph\":\"{}\",\"pid\":{},{}}}", first ? "" : ",", phase, pid, more));
        first = false;
    }

    text_sink& out;
    const time_frame times;
    entry_names names;
    bool first = false;
    std::uint32_t pid = 0;
    std::uint32_t tid = 0;
    runtime::pe* on = nullptr;
};

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::trace
