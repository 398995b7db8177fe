#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cel/ast.h"

namespace imgsrv::cel {

// What the names of an expression stand for: T is a type for the checker, a value for the evaluator. Both look names up
// here, so that a name cannot mean one thing when checked and another when evaluated.
template <class T>
class Scope {
  public:
    using Globals = std::map<std::string, T, std::less<>>;

    // globals outlive it, and so do the names of enter().
    explicit Scope(const Globals& globals)
        : globals_(globals), dotted_(std::any_of(globals.begin(), globals.end(), [](const auto& global) {
              return global.first.find('.') != std::string::npos;
          })) {}

    // A node of the kind name. Null: nothing has this name.
    const T* find(const Node& node) const {
        if (const T* local = node.rooted ? nullptr : find_local(node.text)) return local;
        return find_global(node.text);
    }
    // A select node whose names, from first to last, are the name of a global: "a.b". Null: they are not.
    const T* find_dotted(const Ast& ast, NodeId id) const {
        if (!dotted_ || ast[id].kind != Node::Kind::select) return nullptr;
        const auto name = dotted_name(ast, id);
        if (!name || find_local(std::string_view(*name).substr(0, name->find('.')))) return nullptr;
        return find_global(*name);
    }

    // The variable of a macro, which hides others of its name until leave().
    void enter(std::string_view name, T value) { locals_.emplace_back(name, std::move(value)); }
    void leave() { locals_.pop_back(); }
    // That of the innermost macro.
    T& innermost() { return locals_.back().second; }

  private:
    const T* find_local(std::string_view name) const {
        const auto it = std::find_if(locals_.rbegin(), locals_.rend(), [&](const auto& l) { return l.first == name; });
        return it == locals_.rend() ? nullptr : &it->second;
    }
    const T* find_global(std::string_view name) const {
        const auto it = globals_.find(name);
        return it == globals_.end() ? nullptr : &it->second;
    }

    const Globals& globals_;
    const bool dotted_;
    std::vector<std::pair<std::string_view, T>> locals_;
};

}  // namespace imgsrv::cel
