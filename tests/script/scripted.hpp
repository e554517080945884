// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../chare/runs.hpp"

#include <motet/script.hpp>

#include <memory>
#include <string>
#include <vector>

namespace motet_test {

/// A value as text, in Python's manner: for comparisons that read.
inline std::string text_of(const motet::value& v) {
    const auto items = [](const std::vector<motet::value>& all) {
        std::string text;
        for (const auto& each : all) text += (text.empty() ? "" : ", ") + text_of(each);
        return text;
    };
    struct visitor {
        decltype(items) list;
        std::string operator()(std::monostate) const { return "None"; }
        std::string operator()(bool b) const { return b ? "True" : "False"; }
        std::string operator()(std::int64_t n) const { return std::to_string(n); }
        std::string operator()(double n) const { return motet::reflect::to_text(n); }
        std::string operator()(const std::complex<double>& n) const { return motet::reflect::to_text(n); }
        std::string operator()(const std::string& text) const { return "'" + text + "'"; }
        std::string operator()(const motet::value::bytes& b) const {
            return std::to_string(b.content.size()) + " bytes";
        }
        std::string operator()(const motet::value::list& l) const { return "[" + list(l.items) + "]"; }
        std::string operator()(const motet::value::tuple& l) const { return "(" + list(l.items) + ")"; }
        std::string operator()(const motet::value::dict& d) const {
            std::string text;
            for (const auto& [key, each] : d.items)
                text += (text.empty() ? "" : ", ") + text_of(key) + ": " + text_of(each);
            return "{" + text + "}";
        }
        std::string operator()(const motet::value::array& a) const {
            std::string text = a.type;
            for (const auto n : a.shape) text += " " + std::to_string(n);
            return "array " + text;
        }
        std::string operator()(const motet::value::long_integer& n) const { return n.digits; }
        std::string operator()(const motet::value::object& o) const { return "<" + o.type + ">"; }
    };
    return std::visit(visitor{items}, v.data);
}

/// The result of a script, or its error.
inline std::string said(const motet::script_outcome& outcome) {
    return outcome.failed() ? outcome.error_type + ": " + outcome.error : text_of(outcome.result);
}

/// An answer of PE 0, once it has come; it may come while main stands still.
struct kept_answer {
    std::shared_ptr<std::vector<motet::script_answer>> all = std::make_shared<std::vector<motet::script_answer>>();
    motet::script::answer_to to() const {
        return [keep = all](motet::script_answer a) { keep->push_back(std::move(a)); };
    }
    const motet::script_answer& wait() const {
        motet::wait([&] { return !all->empty(); });
        return all->front();
    }
    bool came() const { return !all->empty(); }
};

} // namespace motet_test
