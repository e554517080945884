// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/checkpoint/file.hpp>
#include <motet/checkpoint/image.hpp>
#include <motet/checkpoint/kept.hpp>
#include <motet/checkpoint/manifest.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

/// Going on from a checkpoint.
///
/// 1. Every process reads the manifest. What the numbers of registered things stand for is looked up by their names;
///    the fields of each chare are found by theirs.
/// 2. Collections come into being on every PE, empty. A PE takes the elements that were on it, if the run has as many
///    PEs as the one that was saved; else those whose home it is. Members of groups go to the PE or process of their
///    number; those of PEs that did not exist are made from the prototype.
/// 3. The root of a collection takes what had been contributed to reductions under way. Messages are sent to their
///    elements as if they had just been sent.
/// 4. The checkpoint's target is told, in place of main.
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

class restorer {
public:
    restorer(machine& whole, std::string path) : job(whole), root(std::move(path)) {}

    void run() {
        const std::uint64_t newest = newest_generation(root);
        if (newest == 0)
            throw error("--motet-restart " + root +
                        ": there is no checkpoint: it has no file \"newest\" that names one");
        folder = generation_folder(root, newest);
        const read_back file = read_file(folder + "/manifest");
        if (file.pieces.size() != 2)
            throw error("the checkpoint file " + folder + "/manifest has " + std::to_string(file.pieces.size()) +
                        " parts: expected 2");
        serial::decode_into(file.pieces[0], names);
        const std::vector<std::uint32_t> table = translation_of(names);
        const translating while_reading(table);
        serial::decode_into(file.pieces[1], all);
        for (auto& p : job.pes) prepare(*p);
        for (saved_collection& each : all.collections) make_collection(each);
        for (const part_file& each : all.files) read_part(each.name);
        finish();
    }

private:
    static std::vector<std::uint32_t> translation_of(const std::vector<std::string>& names) {
        std::unordered_map<std::string, std::uint32_t> numbers;
        std::uint32_t number = 0;
        registry::instance().for_each(
            [&](const char* name, const std::string&) { numbers[demangled(name)] = ++number; });
        std::vector<std::uint32_t> table(names.size());
        for (std::size_t i = 1; i < names.size(); ++i)
            if (const auto found = numbers.find(names[i]); found != numbers.end()) table[i] = found->second;
        return table;
    }
    /// The number in this program of what had `number` in the other one.
    std::uint32_t translated(std::uint32_t number, const char* what) const {
        const std::uint32_t here = registry::translated(number);
        if (here == 0)
            throw error("the checkpoint " + folder + " needs " + what + " " +
                        (number < names.size() ? names[number] : std::to_string(number)) +
                        ", which this program does not have");
        return here;
    }
    void prepare(pe& p) const {
        local_chares& here = local_chares::of(p);
        here.futures.first_generation = (all.epoch + 1) * generations_of_futures;
        p.serial = all.serial;
    }

    struct known_collection {
        std::vector<std::size_t> places; ///< of the saved fields among those there are
        std::shared_ptr<collection_info> info;
        const saved_collection* saved = nullptr;
    };

    /// Which field each saved one is. Throws `error` for those that are gone, or of another type.
    std::vector<std::size_t> places_of(const saved_collection& saved, const collection_type& type) const {
        const std::vector<serial::named_field> now = type.fields();
        std::vector<std::size_t> places;
        for (const serial::named_field& field : saved.fields) {
            const auto found =
                std::find_if(now.begin(), now.end(), [&](const auto& each) { return each.name == field.name; });
            const std::string where = "the checkpoint " + folder + " has a field " + saved.name +
                                      (field.name.empty() ? "" : "::" + field.name) + " of type " + field.schema;
            if (found == now.end()) throw error(where + ", which the struct does not have any more");
            if (found->schema != field.schema) throw error(where + ", which is " + found->schema + " now");
            places.push_back(static_cast<std::size_t>(found - now.begin()));
        }
        return places;
    }
    void load(const collection_type& type, const std::vector<std::size_t>& places, const std::vector<std::byte>& fields,
              void* object) const {
        serial::reader in(fields);
        type.load(object, in, places);
    }

    void make_collection(saved_collection& saved) {
        known_collection known;
        known.saved = &saved;
        auto info = std::make_shared<collection_info>();
        info->id = saved.info.id;
        translate(info->id);
        info->type = translated(saved.info.type, "the chares");
        info->kind = saved.info.kind, info->dense = saved.info.dense, info->on_demand = saved.info.on_demand;
        info->linear = saved.info.linear, info->total = saved.info.total, info->extent = saved.info.extent;
        info->map = saved.info.map != 0 ? translated(saved.info.map, "the map") : 0;
        info->map_state = std::move(saved.info.map_state);
        const auto& type = registry::get<collection_type>(info->type);
        known.places = places_of(saved, type);
        if (!saved.prototype.empty()) {
            info->prototype = type.blank();
            load(type, known.places, saved.prototype, const_cast<void*>(type.prototype(info->prototype)));
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
    static void prepare_part(pe& p, part& c, const saved_summary& summary, const saved_collection& saved) {
        c.passed = summary.passed;
        c.begun = summary.begun;
        c.births = summary.births + 1;
        c.released = summary.released;
        c.sealed = summary.sealed;
        c.settled = false;
        if (saved.strategy != 0 || saved.period > 0) {
            balancing_state::of(c).strategy = registry::translated(saved.strategy);
            balancing_state::of(c).period = saved.period;
            measure(p, c);
        } else if (c.info->kind == collection_kind::array && !p.job.options.balance.empty()) {
            measure(p, c);
        }
    }
    known_collection& collection_of_id(const collection_id& saved_id) {
        for (known_collection& each : collections)
            if (each.saved->info.id == saved_id) return each;
        throw error("the checkpoint " + folder + " has elements of a collection that it does not describe");
    }
    static part& part_on(pe& p, const known_collection& known) { return *local_chares::of(p).find(p, known.info->id); }
    bool is_here(pe_number number) const { return number - job.pes[0]->number < job.pes.size(); }
    pe& local(pe_number number) const { return *job.pes[number - job.pes[0]->number]; }

    void read_part(const std::string& name) {
        const std::string path = folder + "/" + name;
        const read_back file = read_file(path);
        try {
            saved_process about;
            if (file.pieces.empty()) throw error("it is empty");
            serial::decode_into(file.pieces[0], about);
            if (about.number == 0)
                for (const saved_constant& each : about.constants) restore_constant(each);
            if (about.number == job.processes[0]->number) restore_kept(about.kept);
            for (std::size_t i = 1; i < file.pieces.size(); ++i) {
                saved_pe saved;
                serial::decode_into(file.pieces[i], saved);
                restore_pe(saved);
            }
        } catch (const error& problem) {
            throw error("the checkpoint file " + path + " cannot be read: " + problem.what());
        }
    }
    static void restore_kept(const std::vector<saved_object>& all_kept) {
        for (const saved_object& each : all_kept) {
            const auto found = kept_objects().find(each.name);
            if (found == kept_objects().end())
                throw error("it has the object \"" + each.name + "\", which this program does not keep (motet::keep)");
            found->second.load(found->second.object, each.bytes);
        }
    }
    void restore_constant(const saved_constant& saved) {
        const std::uint32_t type = translated(saved.type, "program data of type");
        const auto& how = registry::get<boxed_type>(type);
        for (auto& home : job.processes) {
            serial::reader in(saved.value);
            home->readonly[how.name()] = {std::shared_ptr<void>(how.decode(in), how.destroy), type};
        }
    }
    void restore_pe(saved_pe& saved) {
        for (saved_part& each : saved.parts) {
            known_collection& known = collection_of_id(each.id);
            for (saved_element& e : each.elements) restore_element(known, e, saved.number);
            restore_rounds(known, each.rounds);
            restore_tombstones(known, each.erased);
        }
        const pe_number to = saved.number % job.pe_total();
        if (is_here(to))
            for (saved_message& m : saved.messages) messages.push_back({to, std::move(m)});
    }
    /// Where an element goes.
    pe_number place_of(const known_collection& known, const index_bits& index, pe_number was_on) const {
        const part& any = part_on(*job.pes[0], known);
        if (any.fixed() || all.pes != job.pe_total()) return home_of(*job.pes[0], any, index);
        return was_on;
    }
    void restore_element(known_collection& known, saved_element& saved, pe_number was_on) {
        const bool is_group = known.info->kind == collection_kind::group;
        if ((is_group && saved.index.low >= job.pe_total()) ||
            (known.info->kind == collection_kind::node_group && saved.index.low >= job.process_total()))
            return; // a member of a PE or process that does not exist any more
        const pe_number to = place_of(known, saved.index, was_on);
        const std::uint64_t version = (summary_of(known.saved->info.id).births + 1) << 32;
        if (!is_here(to)) {
            note_place(known, saved.index, to, version);
            return;
        }
        pe& p = local(to);
        part& c = part_on(p, known);
        const boxed blank = c.info->prototype ? boxed() : c.type->blank();
        element_header* e = c.type->make(blank ? blank : c.info->prototype);
        load(*c.type, known.places, saved.fields, c.type->object(*e));
        e->index = saved.index;
        e->version = version;
        e->round = saved.round;
        ++c.population_of(std::max(e->round, c.passed));
        if (c.type->created != nullptr && (saved.flags & element_header::created_due) != 0)
            e->set(element_header::created_due);
        if (c.type->arrived != nullptr) e->set(element_header::arrived_due);
        c.table.insert(e);
        if (e->hooks_due()) hooks.push_back({to, known.info->id, e->index});
        if (!saved.channels.empty() || !saved.section_rounds.empty()) {
            e->extend().channels = std::move(saved.channels);
            e->extend().section_rounds = std::move(saved.section_rounds);
        }
        if (saved.postponed.until != 0) {
            e->extend().postponed = std::move(saved.postponed);
            e->extend().postponed.type = translated(e->extend().postponed.type, "the entry method");
            translate(e->extend().postponed.reply);
            ++p.sent;
            ++local_chares::of(p).postponed;
        }
        for (saved_message& m : saved.held) messages.push_back({to, std::move(m)});
        note_place(known, saved.index, to, version);
    }
    /// The home of an element that is elsewhere knows where.
    void note_place(const known_collection& known, const index_bits& index, pe_number at, std::uint64_t version) {
        const part& any = part_on(*job.pes[0], known);
        const pe_number home = home_of(*job.pes[0], any, index);
        if (home == at || !is_here(home)) return;
        home_record& record = part_on(local(home), known).homes[index];
        record.now = home_record::state::there;
        record.pe = at;
        record.version = version;
    }
    void restore_rounds(const known_collection& known, std::vector<saved_round>& rounds) {
        const pe_number at = root_of(*job.pes[0], known.info->id);
        if (!is_here(at)) return;
        pe& p = local(at);
        part& c = part_on(p, known);
        for (saved_round& each : rounds) {
            translate(each.target);
            add_to_round(p, c, c.round(each.number), translated(each.type, "the reduction"), each.target,
                         std::move(each.result));
        }
    }
    void restore_tombstones(const known_collection& known, const std::vector<index_bits>& erased) {
        for (const index_bits& index : erased) {
            const part& any = part_on(*job.pes[0], known);
            const pe_number home = home_of(*job.pes[0], any, index);
            if (!is_here(home)) continue;
            home_record& record = part_on(local(home), known).homes[index];
            if (record.now != home_record::state::unborn) continue;
            record.now = home_record::state::erased;
            record.version = summary_of(known.saved->info.id).births << 32;
        }
    }

    /// Everything is in its place: what was under way goes on.
    void finish() {
        job.created_something = true;
        for (auto& p : job.pes) {
            p->enter();
            make_new_members(*p);
            if (p->watch) {
                p->watch->main_returned = true;
                translate(all.target);
                if (all.target.how == 0)
                    throw error("the checkpoint " + folder + " goes on with a method that this program does not have");
                deliver_nothing(*p, all.target);
            }
        }
        for (const due_hook& each : hooks) {
            pe& p = local(each.on);
            p.enter();
            post_part<&run_hooks_of>(p, p.number, each.collection, each.index);
        }
        for (auto& [to, saved] : messages) {
            pe& p = local(to);
            p.enter();
            send_again(p, saved);
        }
        for (auto& p : job.pes) { // rounds that those who come no more had held up
            p->enter();
            for (auto& [bits, c] : local_chares::of(*p).parts) look_at_rounds(*p, *c);
        }
        pe::current_slot() = nullptr;
    }
    /// Members of groups for PEs and processes that the saved run did not have.
    void make_new_members(pe& p) {
        for (const known_collection& known : collections) {
            part& c = part_on(p, known);
            const bool is_group = c.info->kind == collection_kind::group;
            const bool is_node_group = c.info->kind == collection_kind::node_group && p.number == p.home.first_pe;
            const index_bits index{is_group ? p.number : p.home.number, 0};
            if ((!is_group && !is_node_group) || c.table.find(index) != nullptr) continue;
            install_element(p, c, c.type->make(c.info->prototype), index, 0);
        }
    }
    void send_again(pe& p, saved_message& saved) {
        const std::uint32_t type_number = translated(saved.type, "the entry method");
        const auto& type = registry::get<message_type>(type_number);
        message* m = p.allocate(type_number, type.payload_bytes);
        m->collection = saved.collection;
        translate(m->collection);
        m->index = saved.index;
        m->priority = saved.priority;
        m->flags = saved.flags;
        serial::reader in(saved.arguments);
        try {
            type.decode(*m, in);
        } catch (const decode_error& problem) {
            p.discard(m);
            throw error("the checkpoint " + folder + ": a message for " + type.name() + ": " + problem.what());
        }
        if (!type.system && type.result != nullptr) { // a call of a method
            submit(p, where(p, m->collection, m->index), m);
        } else {
            p.send(root_of(p, m->collection), m);
        }
    }

    struct due_hook {
        pe_number on;
        collection_id collection;
        index_bits index;
    };

    machine& job;
    std::string root;
    std::string folder;
    std::vector<std::string> names;
    manifest all;
    std::vector<known_collection> collections;
    std::vector<due_hook> hooks;
    std::vector<std::pair<pe_number, saved_message>> messages;
};

inline void restore(machine& job, const std::string& path) {
    std::string problem;
    try {
        restorer(job, path).run();
    } catch (const std::exception& each) {
        problem = each.what();
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
