// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/desk.hpp>
#include <motet/script/desk_scripts.hpp>

#include <memory>
#include <string>
#include <utility>

/// What is served under which name: that clients and scripts find it.
namespace motet::inline MOTET_VARIANT::script {

MOTET_INLINE void serve_at_desk(runtime::pe& p, served what);
MOTET_INLINE void withdraw_at_desk(runtime::pe& p, std::string name);

#if MOTET_BODIES

MOTET_INLINE void serve_at_desk(runtime::pe& p, served what) { desk::of(p).serve(p, std::move(what)); }
MOTET_INLINE void withdraw_at_desk(runtime::pe& p, std::string name) { desk::of(p).withdraw(p, name); }

MOTET_INLINE void desk::serve(runtime::pe& p, served what) {
    const std::string name = what.name;
    auto more = std::make_shared<served_names>(*all);
    ++more->version;
    more->all.insert_or_assign(name, std::move(what));
    all = std::move(more);
    learn_names(p, all);
    if (first_name.empty()) first_name = name;
    if (!first || (!first->request.name.empty() && first->request.name != name)) return;
    awaited now = *std::exchange(first, std::nullopt);
    now.request.name = name;
    execute(p, std::move(now.request), std::move(now.answer), now.started, now.client);
}

MOTET_INLINE void desk::withdraw(runtime::pe& p, const std::string& name) {
    if (!all->all.contains(name)) return;
    auto fewer = std::make_shared<served_names>(*all);
    ++fewer->version;
    fewer->all.erase(name);
    all = std::move(fewer);
    learn_names(p, all);
}

MOTET_INLINE void desk::at_start(runtime::pe& p, execute_request request, answer_to answer, started_to started,
                                 std::string client) {
    const std::string wanted = request.name;
    first = awaited{std::move(request), std::move(answer), std::move(started), std::move(client)};
    const served* const there = named(p, wanted.empty() ? first_name : wanted);
    if (there != nullptr) serve(p, *there);
}

MOTET_INLINE std::string desk::missed() const {
    if (!first) return {};
    return first->client + ": it has not run: nothing was served" +
           (first->request.name.empty() ? "" : " under the name '" + first->request.name + "'");
}

MOTET_INLINE void desk::list(const answer_to& answer) {
    served_once = true;
    script_answer names;
    for (const auto& [name, each] : all->all)
        if (name != program_name) names.names.push_back({name, each.type, each.kind_text()});
    answer(std::move(names));
}

MOTET_INLINE std::string desk::names() const {
    std::string text;
    for (const auto& [name, each] : all->all)
        if (name != program_name) text += (text.empty() ? "" : ", ") + name;
    return text.empty() ? "nothing" : text;
}

MOTET_INLINE const served* desk::named(runtime::pe& p, const std::string& name) {
    if (name == program_name && !all->all.contains(name)) {
        const auto [id, index] = create_program();
        serve(p, {name, opened_program(), id, runtime::collection_kind::single, index, "program", id.serial});
    }
    return find_served(name);
}

#endif // MOTET_BODIES

/// Serves chares of type T under indices of type Index.
template <class T, class Index>
void serve_chares(std::string name, runtime::collection_kind kind, runtime::collection_id id,
                  const runtime::index_bits& single = {}) {
    if (name == program_name)
        throw error("motet::serve: the name 'main' is that of the program itself; take another one");
    runtime::do_at<&serve_at_desk>(runtime::this_pe(), 0,
                                   served{std::move(name), opening<T>::id(), id, kind, single,
                                          std::string(reflect::short_type_name<T>),
                                          runtime::collection_of<T, Index>::id()});
}

} // namespace motet::inline MOTET_VARIANT::script

namespace motet::inline MOTET_VARIANT {

/// Makes the chares of a collection reachable for clients and scripts, under a name; a later one of the same name takes
/// its place. The struct must be open to scripts: MOTET_SCRIPT(T, methods...). May be called anywhere and at any time.
template <class T, class Index>
void serve(const collection<T, Index>& chares, std::string name) {
    runtime::check_name(chares.name());
    script::serve_chares<T, Index>(std::move(name), runtime::collection_kind::array, chares.name());
}
/// The same for a group.
template <class T>
void serve(const group<T>& chares, std::string name) {
    runtime::check_name(chares.name());
    script::serve_chares<T, std::int64_t>(std::move(name), runtime::collection_kind::group, chares.name());
}
/// The same for a node group.
template <class T>
void serve(const node_group<T>& chares, std::string name) {
    runtime::check_name(chares.name());
    script::serve_chares<T, std::int64_t>(std::move(name), runtime::collection_kind::node_group, chares.name());
}
/// The same for one chare, of any kind of collection.
template <class T, class Index>
void serve(const element_proxy<T, Index>& chare, std::string name) {
    script::serve_chares<T, Index>(std::move(name), runtime::collection_kind::single, chare.collection_name(),
                                   chare.index_name());
}

/// What is served under that name is not there for clients and scripts any more; what runs in it goes on. May be called
/// anywhere and at any time.
inline void withdraw(std::string name) {
    runtime::do_at<&script::withdraw_at_desk>(runtime::this_pe(), 0, std::move(name));
}

} // namespace motet::inline MOTET_VARIANT
