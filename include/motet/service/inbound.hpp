// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/debug.hpp>
#include <motet/script/literal.hpp>
#include <motet/script/serve.hpp>
#include <motet/service/session.hpp>

#if MOTET_BODIES

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

/// Requests of clients on PE 0: what the desk, or the debugger, is asked for each.
namespace motet::inline MOTET_VARIANT::service {

inline void take_execute(runtime::pe& p, const std::shared_ptr<inbound>& in, execute_request execute,
                         const script::answer_to& answer, script::asked_deed deed = {}) {
    execute.weight = in->weight;
    const bool wait = execute.wait;
    const bool stream = execute.stream && wait;
    const auto started = [&](std::uint32_t handle) {
        const auto client = in->from.lock();
        if (!client) return;
        client->begin_script(in->request.number, handle, wait, stream);
        if (stream)
            script::script_control::of(p.job).output.watch(handle, script::output_board::stream, [from = in->from] {
                if (const auto to = from.lock()) to->stream_soon();
            });
    };
    script::desk::of(p).execute(p, std::move(execute), answer, started, in->who, std::move(deed));
}

/// ck.read, or ck.write, where something is written. No code is made of what the client sends, but for the log.
inline void take_path(runtime::pe& p, const std::shared_ptr<inbound>& in, std::string name,
                      std::vector<std::int64_t> index, std::vector<value> path, value* written,
                      const script::answer_to& answer) {
    static constexpr std::size_t most_steps = 100;
    if (path.size() > most_steps)
        throw error("a path has at most " + std::to_string(most_steps) + " steps, and this one has " +
                    std::to_string(path.size()));
    execute_request made;
    made.name = std::move(name);
    made.index = std::move(index);
    if (script::script_control::of(p.job).log) {
        const std::string steps = script::literal({value::tuple{path}});
        made.script.code = written == nullptr ? "ck.read(" + steps + ")"
                                              : "ck.write(" + steps + ", " + script::literal(*written) + ")";
    }
    script::asked_deed deed{written == nullptr ? "get" : "set", std::move(path)};
    if (written != nullptr) deed.arguments.insert(deed.arguments.begin(), std::move(*written));
    take_execute(p, in, std::move(made), answer, std::move(deed));
}

/// motet.stubs(), for whoever may look: the names are all that is the client's in the code.
inline void take_stubs(runtime::pe& p, const std::shared_ptr<inbound>& in, const std::vector<std::string>& names,
                       const script::answer_to& answer) {
    value::list all;
    for (const std::string& name : names) all.items.push_back({name});
    execute_request made;
    made.name = script::program_name;
    made.script.code = "import motet\nmotet.stubs(*" + script::literal({std::move(all)}) + ")";
    take_execute(p, in, std::move(made), answer);
}

inline void take_request(runtime::pe& p, std::shared_ptr<inbound> in) {
    auto& desk = script::desk::of(p);
    // A main that waits for a client begins when that has asked for something; where it installs a hook or freezes the
    // program, when that has been done.
    const bool greets_later = std::holds_alternative<hook_request>(in->request.what) ||
                              std::holds_alternative<freeze_request>(in->request.what);
    if (!greets_later && !std::holds_alternative<hello>(in->request.what) && desk.greet(p))
        return runtime::post_uncounted<&take_request>(p, 0, std::move(in)); // main serves something first
    const script::answer_to answer = [&job = p.job, from = in->from, number = in->request.number](script_answer what) {
        if (const auto client = from.lock()) return client->answer(number, std::move(what));
        // Nobody has seen it: it is for whoever asks with the handle later.
        if (!what.output.empty()) script::script_control::of(job).output.add(what.handle, what.output);
    };
    auto& what = in->request.what;
    try {
        if (std::holds_alternative<list_request>(what))
            desk.list(answer);
        else if (auto* execute = std::get_if<execute_request>(&what))
            take_execute(p, in, std::move(*execute), answer);
        else if (auto* read = std::get_if<read_request>(&what))
            take_path(p, in, std::move(read->name), std::move(read->index), std::move(read->path), nullptr, answer);
        else if (auto* write = std::get_if<write_request>(&what))
            take_path(p, in, std::move(write->name), std::move(write->index), std::move(write->path), &write->written,
                      answer);
        else if (const auto* stubs = std::get_if<stubs_request>(&what))
            take_stubs(p, in, stubs->names, answer);
        else if (const auto* print = std::get_if<print_request>(&what))
            desk.print(print->handle, print->wait, print->kill, answer);
        else if (const auto* finished = std::get_if<finished_request>(&what))
            desk.finished(finished->handle, finished->wait, answer);
        else
            std::visit(
                [&]<class Request>(const Request& request) {
                    if constexpr (std::is_constructible_v<script::debug_request, Request>)
                        script::ask_debugger(
                            p, in->client, request,
                            [&p, answer, greets_later](script_answer said) {
                                answer(std::move(said));
                                if (greets_later) script::desk::of(p).greet(p);
                            },
                            in->who);
                },
                what);
    } catch (const error& why) {
        answer({.error = why.what()});
    }
}

} // namespace motet::inline MOTET_VARIANT::service

#endif // MOTET_BODIES
