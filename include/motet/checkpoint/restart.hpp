// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/checkpoint/file.hpp>
#include <motet/checkpoint/image.hpp>
#include <motet/checkpoint/kept.hpp>
#include <motet/checkpoint/manifest.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

/// Going on from a checkpoint.
///
/// 1. Every process reads the manifest. What the numbers of registered things stand for is looked up by their names;
///    the fields of each chare are found by theirs. Collections come into being on every PE, empty.
/// 2. Each file is read by one process: that of PE k, where the run has as many PEs as the one that was saved, by that
///    of PE k, else in blocks. An element goes to the PE where it was, if there are as many PEs; else to its home.
///    Members of groups go to the PE or process of their number; those of PEs that did not exist are made from the
///    prototype.
/// 3. The PEs begin to run. What belongs to another process is sent there: elements, where they are (to their homes),
///    what had been contributed to reductions (to the root; of sections: to the homes of members). When nothing is
///    under way any more, every PE counts the calls that wait with its elements (postponed.hpp), and tells PE 0.
/// 4. When all have, PE 0 tells all. Then messages are sent to their elements as if they had just been sent, hooks run,
///    and the checkpoint's target is told, in place of main.
namespace motet::inline MOTET_VARIANT::checkpointing {

#if MOTET_BODIES

/// While it lives, numbers that are read are those of another program.
class translating {
public:
    explicit translating(const std::vector<std::uint32_t>& table) { registry::translation = &table; }
    translating(const translating&) = delete;
    translating& operator=(const translating&) = delete;
    ~translating() { registry::translation = nullptr; }
};

/// What a process has read and not yet put in its place.
struct restoring_state : machine_state {
    /// An element that belongs to another process.
    struct departure {
        pe_number to;
        collection_id collection;
        travelling element;
    };
    /// Of one PE here.
    struct share {
        std::vector<departure> departures;
        message_list notes;                ///< of the runtime, to other processes
        message_list messages;             ///< of the program
        std::vector<pe_number> addressees; ///< of the notes
        std::uint32_t missing = 0;         ///< PEs that have not counted: this one, and those below it
    };
    std::vector<share> shares; ///< by PE
    address target;
    std::vector<address> waiting; ///< for quiescence

    static share& of(pe& p) {
        return static_cast<restoring_state&>(*p.job.restoring).shares[p.number - p.job.pes[0]->number];
    }
    explicit restoring_state(machine& whole) : shares(whole.pes.size()), job(whole) {}
    restoring_state(const restoring_state&) = delete;
    ~restoring_state() override {
        for (std::size_t i = 0; i < shares.size(); ++i)
            for (message_list* each : {&shares[i].notes, &shares[i].messages})
                while (!each->empty()) job.pes[i]->discard(each->pop());
    }

private:
    machine& job;
};

// Step 3.

/// Puts an element in its place.
inline void settle(part& c, element_header* e) {
    ++c.population_of(std::max(e->round, c.passed));
    if (c.type->arrived != nullptr) e->set(element_header::arrived_due);
    c.table.insert(e);
}
inline void settle_restored(pe&, part& c, travelling element) { settle(c, std::exchange(element.what, nullptr)); }
/// At the home.
inline void note_place(pe&, part& c, index_bits index, std::uint64_t version, pe_number at) {
    home_record& record = c.homes[index];
    record.now = home_record::state::there;
    record.pe = at;
    record.version = version;
}
/// At the home, which may know of a later life.
inline void note_erased(pe&, part& c, index_bits index, std::uint64_t version) {
    if (c.table.find(index) != nullptr) return;
    home_record& record = c.homes[index];
    if (record.now == home_record::state::unborn) bury(c, index, record, version);
}
/// At the root.
inline void restore_round(pe& p, part& c, std::uint64_t number, std::uint32_t type, address target, partial result) {
    add_to_round(p, c, c.round(number), type, target, std::move(result));
}

/// At the home of the member.
inline void restore_section_round(pe& p, part& c, std::array<std::uint64_t, 3> key, std::vector<index_bits> path,
                                  std::vector<index_bits> awaited, std::uint32_t reported, std::uint32_t type,
                                  address target, partial result) {
    section_round& round = c.section_rounds[key];
    round.path = std::move(path), round.awaited = std::move(awaited);
    round.children = reported;
    add_to_round(p, c, round, type, target, std::move(result));
}

inline void send_departures(pe& p) {
    restoring_state::share& own = restoring_state::of(p);
    for (auto& each : own.departures) post_part<&settle_restored>(p, each.to, each.collection, std::move(each.element));
    own.departures.clear();
    for (const pe_number to : own.addressees) p.send(to, own.notes.pop());
}

inline void go_on(pe& p);
inline void count_up(pe& p) {
    if (--restoring_state::of(p).missing > 0) return;
    if (p.number == 0) return go_on(p);
    post<&count_up>(p, tree(p, 0).parent(p.number));
}
/// Only now, for a call that waits counts as a message held back, and there is no quiescence with one.
inline void count_postponed(pe& p) {
    restoring_state::of(p).missing = tree(p, 0).child_count(p.number) + 1;
    tree(p, 0).for_each_child(p.number, [&](pe_number child) { post<&count_postponed>(p, child); });
    for (auto& [bits, c] : local_chares::of(p).parts)
        for (const element_header* e : c->table.elements) {
            if (!e->extension || e->extension->postponed.until == 0) continue;
            ++p.sent;
            ++local_chares::of(p).postponed;
            ++c->waiting;
        }
    count_up(p);
}

// Step 4.

inline void go_on_here(pe& p) {
    for (auto& [bits, c] : local_chares::of(p).parts)
        for (const element_header* e : c->table.elements)
            if (e->hooks_due()) post_part<&run_hooks_of>(p, p.number, c->info->id, e->index);
    message_list& messages = restoring_state::of(p).messages;
    while (!messages.empty()) {
        message* m = messages.pop();
        const part* const c = local_chares::of(p).find(p, m->collection);
        if (c != nullptr && !has_member(p, c->info->kind, m->index)) {
            p.discard(m); // its PE or process does not exist any more
            continue;
        }
        if (const message_type& type = pe::type_of(*m); !type.system && type.result != nullptr) // a call of a method
            submit(p, where(p, m->collection, m->index), m);
        else
            p.send(root_of(p, m->collection), m);
    }
    for (auto& [bits, c] : local_chares::of(p).parts) { // those who come no more had held them up
        look_at_rounds(p, *c);
        look_who_waits(p, *c);
        std::vector<std::array<std::uint64_t, 3>> keys;
        for (const auto& [key, round] : c->section_rounds) keys.push_back(key);
        for (const auto& key : keys) close_section_round(p, *c, key);
    }
}
inline void go_on(pe& p) {
    tree(p, 0).for_each_child(p.number, [&](pe_number child) { post<&go_on>(p, child); });
    go_on_here(p);
    if (p.number != 0) return;
    const auto& restored = static_cast<restoring_state&>(*p.job.restoring);
    for (const address& each : restored.waiting) want_quiescence(p, each);
    deliver_nothing(p, restored.target);
}
struct settled_delivery {
    static void value(pe& p, const address&, void*) { count_postponed(p); }
    static void fail(pe& p, const address&, failure&& why) { fail_program(p, why); }
    static inline const delivery operations{&value, &fail};
    static std::uint32_t id() { return registered<settled_delivery, operations>::id(); }
};

/// Where the replies go that somebody waited for: main and methods that wait are no more.
struct unwanted_reply {
    static void value(pe&, const address&, void*) {}
    static void fail(pe&, const address&, failure&&) {}
    static inline const delivery operations{&value, &fail};
    static address nowhere() { return {registered<unwanted_reply, operations>::id(), 0, {}, {}}; }
};

class restorer {
public:
    restorer(machine& whole, std::string path) : job(whole), root(std::move(path)) {}

    void run() {
        const std::uint64_t newest = newest_generation(root);
        if (newest == 0)
            throw error("--motet-restart " + root +
                        ": there is no checkpoint: it has no file \"newest\" that names one");
        folder = generation_folder(root, newest);
        read_manifest();
        const std::vector<std::uint32_t> table = translation_of_items();
        const translating while_reading(table);
        job.restoring = std::make_unique<restoring_state>(job);
        decode(manifest_record, all, folder + "/manifest");
        if (all.pes == 0 || all.width == 0 || all.pes % all.width != 0)
            throw error("the checkpoint file " + folder + "/manifest is none: it says that it is of " +
                        std::to_string(all.pes) + " PEs, " + std::to_string(all.width) + " in each process");
        job.shrunk = all.pes > job.pe_total() || all.pes / all.width > job.process_total();
        for (auto& p : job.pes) prepare(*p);
        for (saved_collection& each : all.collections) make_collection(each);
        for (const saved_constant& each : all.constants) restore_constant(each);
        if (const std::uint64_t first = std::uint64_t{job.processes[0]->number} * all.width;
            all.keeps && first < all.pes)
            restore_kept(static_cast<pe_number>(first));
        for (auto& p : job.pes) {
            p->enter();
            make_new_members(*p);
            const std::uint64_t pes = job.pe_total();
            const auto begin = [&](std::uint64_t number) { return (number * all.pes + pes - 1) / pes; };
            for (std::uint64_t saved = begin(p->number); saved < begin(std::uint64_t{p->number} + 1); ++saved)
                read_part(*p, static_cast<pe_number>(saved));
        }
        finish();
    }

private:
    void read_manifest() {
        record_reader file(folder + "/manifest");
        decode(file.next(), items, file.name());
        const auto rest = file.next();
        cut = file.of_cut();
        manifest_record.assign(rest.begin(), rest.end());
    }
    /// Calls `f`, which may call a user's own serialize; what that throws is said with its place.
    template <class What, class F>
    static void reading(const std::string& path, What&& what, F&& f) {
        try {
            f();
        } catch (...) {
            throw error("the checkpoint file " + path + " cannot be read: " + what() + ": " +
                        exception_text::current().text);
        }
    }
    template <class T>
    static void decode(std::span<const std::byte> record, T& value, const std::string& path) {
        try {
            serial::decode_into(record, value);
        } catch (const error& problem) {
            throw error("the checkpoint file " + path + " cannot be read: " + problem.what());
        }
    }
    /// By the numbers of the other program; finds out which calls take other arguments now.
    std::vector<std::uint32_t> translation_of_items() {
        const std::vector<serial::named_field> now = registered_items();
        std::unordered_map<std::string, std::uint32_t> numbers;
        for (std::uint32_t i = 1; i < now.size(); ++i) numbers[now[i].name] = i;
        std::vector<std::uint32_t> table(items.size());
        for (std::size_t i = 1; i < items.size(); ++i) {
            const auto found = numbers.find(items[i].name);
            if (found == numbers.end()) continue;
            table[i] = found->second;
            if (const std::string& schema = now[found->second].schema;
                !schema.empty() && !items[i].schema.empty() && schema != items[i].schema)
                changed[static_cast<std::uint32_t>(i)] = schema;
        }
        return table;
    }
    /// The number in this program of what had `number` in the other one, and has such operations.
    template <class Operations>
    std::uint32_t translated(std::uint32_t number, const char* what) const {
        const std::uint32_t here = registry::translated(number);
        if (!registry::instance().is<Operations>(here))
            throw error("the checkpoint " + folder + " needs " + what + " " +
                        (number < items.size() ? items[number].name : std::to_string(number)) +
                        ", which this program does not have");
        return here;
    }
    /// The same of a call, whose arguments are what they were.
    std::uint32_t translated_call(std::uint32_t number) const {
        const std::uint32_t here = translated<message_type>(number, "the entry method");
        if (const auto found = changed.find(number); found != changed.end())
            throw error("the checkpoint " + folder + " has a call of " + items[number].name + " with arguments " +
                        items[number].schema + ", which are " + found->second + " now");
        return here;
    }
    void prepare(pe& p) const {
        local_chares& here = local_chares::of(p);
        here.futures.begin_after(all.epoch + 1, all.futures);
        p.created = all.created;
    }

    struct known_collection {
        std::vector<std::size_t> places; ///< of the saved fields among those there are
        std::shared_ptr<collection_info> info;
        const saved_collection* saved = nullptr;
    };

    /// Which field each saved one is. Throws `error` for those that are gone, or of another type.
    std::vector<std::size_t> places_of(const std::vector<serial::named_field>& saved, const std::string& of,
                                       const std::vector<serial::named_field>& now) const {
        std::vector<std::size_t> places;
        for (const serial::named_field& field : saved) {
            const auto found =
                std::find_if(now.begin(), now.end(), [&](const auto& each) { return each.name == field.name; });
            const std::string where = "the checkpoint " + folder + " has a field " + of +
                                      (field.name.empty() ? "" : "::" + field.name) + " of type " + field.schema;
            if (found == now.end()) throw error(where + ", which the struct does not have any more");
            if (found->schema != field.schema) throw error(where + ", which is " + found->schema + " now");
            places.push_back(static_cast<std::size_t>(found - now.begin()));
        }
        return places;
    }
    void make_collection(saved_collection& saved) {
        known_collection known;
        known.saved = &saved;
        auto info = std::make_shared<collection_info>();
        info->id = saved.info.id;
        translate(info->id);
        info->type = translated<collection_type>(saved.info.type, "the chares");
        info->kind = saved.info.kind, info->dense = saved.info.dense, info->on_demand = saved.info.on_demand;
        info->linear = saved.info.linear, info->total = saved.info.total, info->extent = saved.info.extent;
        info->map = saved.info.map != 0 ? translated<map_type>(saved.info.map, "the map") : 0;
        info->map_state = std::move(saved.info.map_state);
        if (const std::string now = schema_of_map(*info); now != saved.map_schema)
            throw error("the checkpoint " + folder + " has a map with the state " + saved.map_schema + ", which is " +
                        now + " now");
        const auto& type = registry::get<collection_type>(info->type);
        known.places = places_of(saved.fields, saved.name, type.fields());
        if (!saved.prototype.empty()) {
            info->prototype = type.blank();
            serial::reader in(saved.prototype);
            reading(
                folder + "/manifest", [&] { return "the prototype of " + saved.name; },
                [&] { type.load(const_cast<void*>(type.prototype(info->prototype)), in, known.places); });
        }
        known.info = info;
        const saved_summary& summary = summary_of(saved.info.id);
        for (auto& p : job.pes) {
            local_chares& here = local_chares::of(*p);
            part& c = info->kind == collection_kind::single ? *here.find(*p, info->id) : here.install(info);
            prepare_part(*p, c, summary, saved);
        }
        collections.push_back(std::move(known));
    }
    const saved_summary& summary_of(collection_id id) const {
        for (const saved_summary& each : all.summaries)
            if (each.id == id) return each;
        throw error("the checkpoint " + folder + " says nothing of one of its collections");
    }
    /// What balances a collection. --motet-balance goes before it.
    std::uint32_t strategy_of(const saved_collection& saved) const {
        const std::uint32_t here = registry::translated(saved.strategy);
        if (saved.strategy == 0 || registry::instance().is<strategy_type>(here)) return here;
        if (!job.options.balance.empty()) return 0;
        throw error("the checkpoint " + folder + " needs, for " + saved.name + ", the balancing strategy " +
                    (saved.strategy < items.size() ? items[saved.strategy].name : std::to_string(saved.strategy)) +
                    ", which this program does not have: name another one, or none, with --motet-balance");
    }
    void prepare_part(pe& p, part& c, const saved_summary& summary, const saved_collection& saved) const {
        c.passed = summary.passed;
        c.begun = summary.begun;
        c.births = summary.births + 1;
        c.released = c.decided = summary.released;
        c.sealed = summary.sealed;
        c.settled = false;
        if (c.info->kind != collection_kind::array) return;
        balancing_state& s = balancing_state::of(c);
        s.strategy = strategy_of(saved);
        s.period = saved.period;
        s.points = saved.points;
        c.measure(p);
        if (!saved.points && c.measured && p.number == 0)
            std::fprintf(
                stderr,
                "motet: warning: %s was not balanced when the checkpoint was written, and is not at balancing points "
                "now, where its elements may not come equally often\n",
                c.type->name().c_str());
    }
    known_collection& collection_of_id(const collection_id& saved_id) {
        for (known_collection& each : collections)
            if (each.saved->info.id == saved_id) return each;
        throw error("the checkpoint " + folder + " has elements of a collection that it does not describe");
    }
    static part& part_on(pe& p, const known_collection& known) { return *local_chares::of(p).find(p, known.info->id); }
    bool is_here(pe_number number) const { return number - job.pes[0]->number < job.pes.size(); }
    pe& local(pe_number number) const { return *job.pes[number - job.pes[0]->number]; }

    /// What PE `reader` has to do with the file of a PE of the saved run.
    void read_part(pe& reader, pe_number saved) {
        record_reader file(part_file(folder, saved), cut);
        try {
            saved_pe about;
            serial::decode_into(file.next(), about);
            for (const saved_activity& each : about.activities) // only the sums over all PEs matter
                local_chares::of(reader).activities[each.id].own.add(each.counts);
            for (std::uint64_t i = 0; i < about.parts; ++i) {
                saved_part each;
                serial::decode_into(file.next(), each);
                known_collection& known = collection_of_id(each.id);
                for (std::uint64_t k = 0; k < each.elements; ++k)
                    restore_element(reader, known, file.next(), saved, file.name());
                restore_rounds(reader, known, each.rounds);
                restore_section_rounds(reader, known, each.section_rounds);
                for (const index_bits& index : each.erased)
                    note<&note_erased>(reader, known, home_of(reader, part_on(reader, known), index), index,
                                       first_version(summary_of(known.saved->info.id).births));
            }
            for (std::uint64_t i = 0; i < about.messages; ++i) {
                saved_message m;
                serial::decode_into(file.next(), m);
                restore_message(reader, m, file.name());
            }
            if (!file.at_end())
                throw error("the checkpoint file " + file.name() + " is damaged: it has more records than it says");
        } catch (const decode_error& problem) {
            throw error("the checkpoint file " + file.name() + " cannot be read: " + problem.what());
        }
    }
    /// Does it in a collection on PE `to`: at once if that is here, else as soon as the PEs run.
    template <auto F, class... A>
    void note(pe& from, const known_collection& known, pe_number to, A&&... a) {
        if (is_here(to)) return F(local(to), part_on(local(to), known), std::forward<A>(a)...);
        restoring_state::share& share = restoring_state::of(from);
        share.notes.push(part_message<F>(from, known.info->id, std::forward<A>(a)...));
        share.addressees.push_back(to);
    }
    void restore_kept(pe_number first) {
        record_reader file(part_file(folder, first), cut);
        saved_pe about;
        decode(file.next(), about, file.name());
        for (const saved_object& each : about.kept) {
            const auto found = kept_objects().find(each.name);
            if (found == kept_objects().end())
                throw error("the checkpoint file " + file.name() + " has the object \"" + each.name +
                            "\", which this program does not keep (motet::keep)");
            const std::string where = "the checkpoint file " + file.name() + " has the object \"" + each.name + "\"";
            if (const std::string now = found->second.schema(); now != each.schema)
                throw error(fmt::format("{} of type {}, which is {} now", where, each.schema, now));
            try {
                found->second.load(found->second.object, each.bytes);
            } catch (const error& problem) {
                throw error(where + ", which cannot be read: " + problem.what());
            }
        }
    }
    void restore_constant(const saved_constant& saved) {
        const std::uint32_t type = translated<constant_type>(saved.type, "program data of type");
        const auto& how = registry::get<constant_type>(type);
        const std::vector<std::size_t> places = places_of(saved.fields, how.name(), how.fields());
        for (auto& home : job.processes) {
            std::shared_ptr<void> value = how.make();
            serial::reader in(saved.value);
            reading(
                folder + "/manifest", [&] { return "program data of type " + how.name(); },
                [&] { how.load(value.get(), in, places); });
            home->readonly[how.key()] = {std::move(value), type};
        }
    }
    /// Where an element goes.
    pe_number place_of(const known_collection& known, const index_bits& index, pe_number was_on) const {
        const part& any = part_on(*job.pes[0], known);
        if (any.fixed() || all.pes != job.pe_total()) return home_of(*job.pes[0], any, index);
        return was_on;
    }
    void restore_element(pe& reader, const known_collection& known, std::span<const std::byte> record, pe_number was_on,
                         const std::string& path) {
        serial::reader in(record);
        saved_element saved;
        const auto read = [&](auto&& f) {
            reading(
                path, [&] { return element_text(part_on(reader, known), saved.index); }, f);
        };
        read([&] { serial::read(in, saved); });
        if (!has_member(reader, known.info->kind, saved.index)) return; // its PE or process does not exist any more
        const part& any = part_on(reader, known);
        const collection_type& type = *any.type;
        const boxed blank = known.info->prototype ? boxed() : type.blank();
        travelling made(known.info->type, type.make(blank ? blank : known.info->prototype));
        element_header& e = *made.what;
        read([&] { type.load(type.object(e), in, known.places); });
        e.index = saved.index;
        e.version = first_version(summary_of(known.saved->info.id).births + 1);
        e.round = saved.round;
        if (type.created != nullptr && (saved.flags & element_header::created_due) != 0)
            e.set(element_header::created_due);
        if (!saved.channels.empty() || !saved.section_rounds.empty()) {
            e.extend().channels = std::move(saved.channels);
            e.extend().section_rounds = std::move(saved.section_rounds);
        }
        if (saved.postponed.until != 0) {
            if (saved.postponed.reply.how != 0) saved.postponed.reply = unwanted_reply::nowhere();
            saved.postponed.type = translated_call(saved.postponed.type);
            saved.postponed.arguments = arguments_of_now(reader, saved.postponed, path);
            e.extend().postponed = std::move(saved.postponed);
        }
        for (saved_message& m : saved.held) restore_message(reader, m, path);
        const pe_number to = place_of(known, e.index, was_on);
        if (const pe_number home = home_of(reader, any, e.index); home != to)
            note<&note_place>(reader, known, home, e.index, e.version, to);
        if (is_here(to))
            settle(part_on(local(to), known), std::exchange(made.what, nullptr));
        else
            restoring_state::of(reader).departures.push_back({to, known.info->id, std::move(made)});
    }
    /// The arguments of a call that waits, whose targets and proxies are named by the numbers of this program.
    std::vector<std::byte> arguments_of_now(pe& p, const postponed_call& call, const std::string& path) const {
        const auto& type = registry::get<message_type>(call.type);
        message* m = decoded(p, call.type, call.arguments, 0, path);
        serial::writer out;
        type.encode(*m, out);
        p.discard(m);
        return out.to_vector();
    }
    message* decoded(pe& p, std::uint32_t type_number, const std::vector<std::byte>& arguments, std::uint8_t flags,
                     const std::string& path) const {
        const auto& type = registry::get<message_type>(type_number);
        const bool replies = (flags & message::replies) != 0;
        message* m = p.allocate(type_number, type.payload_bytes + (replies ? sizeof(address) : 0));
        m->flags = static_cast<std::uint8_t>(flags & kept_flags);
        if (replies) reply_of(*m) = unwanted_reply::nowhere();
        serial::reader in(arguments);
        try {
            reading(
                path, [&] { return "a message for " + type.name(); }, [&] { type.decode(*m, in); });
        } catch (...) {
            p.discard(m);
            throw;
        }
        return m;
    }
    void restore_message(pe& reader, const saved_message& saved, const std::string& path) const {
        message* m = decoded(reader, translated_call(saved.type), saved.arguments, saved.flags, path);
        m->collection = saved.collection;
        translate(m->collection);
        m->index = saved.index;
        m->priority = saved.priority;
        restoring_state::of(reader).messages.push(m);
    }
    void restore_rounds(pe& reader, const known_collection& known, std::vector<saved_round>& rounds) {
        for (saved_round& each : rounds) {
            note<&restore_round>(reader, known, root_of(reader, known.info->id), each.number,
                                 translated<reduction_type>(each.type, "the reduction"), each.target,
                                 std::move(each.result));
        }
    }
    void restore_section_rounds(pe& reader, const known_collection& known, std::vector<saved_section_round>& rounds) {
        for (saved_section_round& each : rounds) {
            if (!has_member(reader, known.info->kind, each.path.front()))
                continue; // its PE or process does not exist any more
            note<&restore_section_round>(reader, known, home_of(reader, part_on(reader, known), each.path.front()),
                                         each.key, each.path, each.awaited, each.reported,
                                         translated<reduction_type>(each.type, "the reduction"), each.target,
                                         std::move(each.result));
        }
    }
    /// Members of groups for PEs and processes that the saved run did not have.
    void make_new_members(pe& p) {
        for (const known_collection& known : collections) {
            part& c = part_on(p, known);
            const bool is_new_pe = c.info->kind == collection_kind::group && p.number >= all.pes;
            const bool is_new_process = c.info->kind == collection_kind::node_group && p.number == p.home.first_pe &&
                                        p.home.number >= all.pes / all.width;
            if (!is_new_pe && !is_new_process) continue;
            element_header* e = c.type->make(c.info->prototype);
            place_element(c, *e, {is_new_pe ? p.number : p.home.number, 0}, 0);
            if (c.type->created != nullptr) e->set(element_header::created_due);
        }
    }

    /// Step 3 begins.
    void finish() {
        job.created_something = true;
        if (all.target.how == 0)
            throw error("the checkpoint " + folder + " goes on with a method that this program does not have");
        if (const part* const c = local_chares::of(*job.pes[0]).find(*job.pes[0], all.target.collection);
            c != nullptr && is_gone(*job.pes[0], *c, all.target.index))
            throw error("the checkpoint " + folder + " goes on with a method of " + element_text(*c, all.target.index) +
                        ", whose PE or process this run does not have");
        for (const address& each : all.waiting)
            if (each.how == 0)
                throw error("the checkpoint " + folder +
                            " has somebody who waits for quiescence, by a method that this program does not have");
        auto& restored = static_cast<restoring_state&>(*job.restoring);
        restored.target = all.target;
        restored.waiting = all.waiting;
        for (auto& p : job.pes) {
            p->enter();
            post<&send_departures>(*p, p->number);
            if (!p->watch) continue;
            p->watch->main_returned = true;
            want_quiescence(*p, {settled_delivery::id(), p->number, {}, {}});
        }
        pe::current_slot() = nullptr;
    }

    machine& job;
    std::string root;
    std::string folder;
    std::uint64_t cut = 0;                                  ///< of the manifest
    std::vector<serial::named_field> items;                 ///< that were registered, by number
    std::unordered_map<std::uint32_t, std::string> changed; ///< their schemas now, of those that have another one
    std::vector<std::byte> manifest_record;
    manifest all;
    std::vector<known_collection> collections;
};

inline void restore(machine& job, const std::string& path) {
    std::string problem;
    try {
        restorer(job, path).run();
    } catch (...) { // a user's own serialize may throw anything
        problem = exception_text::current().text;
        pe::current_slot() = nullptr;
    }
    if (job.remote)
        job.remote->agree(problem);
    else if (!problem.empty())
        throw error(problem);
}

/// Tells the runtime how to restart, before main.
struct registers_restart {
    registers_restart() { machine::restart = &restore; }
};
inline const registers_restart restart_registration;

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::checkpointing
