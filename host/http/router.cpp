#include "http/router.h"

#include <array>
#include <cassert>
#include <map>
#include <span>

#include "http/percent.h"

namespace imgsrv::http {

constexpr std::size_t kMethods = 7;
constexpr std::size_t kNoRoute = SIZE_MAX;

// One segment of the patterns; each path through the tree is a pattern.
struct PatternNode {
    std::map<std::string, std::unique_ptr<PatternNode>, std::less<>> literals;
    std::unique_ptr<PatternNode> parameter;
    std::array<std::size_t, kMethods> routes{};  // by method: index of the route, or kNoRoute

    PatternNode() { routes.fill(kNoRoute); }
};

namespace {

std::size_t index_of(Method method) {
    return static_cast<std::size_t>(method);
}

bool is_parameter(std::string_view segment) {
    return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

// The segments after the leading '/'. "/" has one empty segment.
std::vector<std::string_view> split(std::string_view path) {
    std::vector<std::string_view> segments;
    path.remove_prefix(1);
    for (;;) {
        const auto slash = path.find('/');
        segments.push_back(path.substr(0, slash));
        if (slash == std::string_view::npos) return segments;
        path.remove_prefix(slash + 1);
    }
}

// Calls visit(leaf) for every matching node, literals first, until one returns true.
template <class Visit>
bool walk(const PatternNode& node, std::span<const std::string> segments, const Visit& visit) {
    if (segments.empty()) return visit(node);
    if (const auto it = node.literals.find(segments.front()); it != node.literals.end())
        if (walk(*it->second, segments.subspan(1), visit)) return true;
    return node.parameter && !segments.front().empty() && walk(*node.parameter, segments.subspan(1), visit);
}

// "GET, HEAD, PUT" of the methods that any of the leaves supports.
std::string allow_list(const std::array<bool, kMethods>& has) {
    std::string list;
    const auto add = [&](std::string_view name) { (list += list.empty() ? "" : ", ") += name; };
    for (const Method method : {Method::get, Method::head, Method::post, Method::put, Method::del, Method::options}) {
        const bool implied = method == Method::head && has.at(index_of(Method::get));
        if (has.at(index_of(method)) || implied) add(to_string(method));
    }
    return list;
}

}  // namespace

struct Router::Table {
    PatternNode root;
    std::vector<Route> routes;
    // By route, the positions of its parameters among the segments and their names.
    std::vector<std::vector<std::pair<std::size_t, std::string>>> parameters;
    std::size_t deepest = 0;
};

Router::Router() : table_(std::make_unique<Table>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;

void Router::add(Route route) {
    assert(!route.pattern.empty() && route.pattern.front() == '/' && (route.handler || route.fast));
    PatternNode* node = &table_->root;
    std::vector<std::pair<std::size_t, std::string>> parameters;
    const auto segments = split(route.pattern);
    table_->deepest = std::max(table_->deepest, segments.size());
    for (std::size_t i = 0; i < segments.size(); ++i) {
        std::unique_ptr<PatternNode>* next = nullptr;
        if (is_parameter(segments[i])) {
            parameters.emplace_back(i, segments[i].substr(1, segments[i].size() - 2));
            next = &node->parameter;
        } else {
            next = &node->literals[std::string(segments[i])];
        }
        if (!*next) *next = std::make_unique<PatternNode>();
        node = next->get();
    }
    assert(node->routes.at(index_of(route.method)) == kNoRoute && "two routes of one method and pattern");
    node->routes.at(index_of(route.method)) = table_->routes.size();
    table_->routes.push_back(std::move(route));
    table_->parameters.push_back(std::move(parameters));
}

const std::vector<Route>& Router::routes() const {
    return table_->routes;
}

Result<Router::Match> Router::match(Method method, std::string_view path) const {
    const auto bad = [](std::string_view why) {
        return Status(Code::invalid_argument, "the path " + std::string(why));
    };
    if (path.empty() || path.front() != '/') return bad("does not start with '/'");
    std::vector<std::string> segments;
    for (const std::string_view raw : split(path)) {
        auto segment = percent_decode(raw);
        if (!segment) return bad("has a '%' without two hex digits after it");
        if (segment->find('\0') != std::string::npos) return bad("contains a NUL");
        if (!is_utf8(*segment)) return bad("is not UTF-8");
        if (*segment == "." || *segment == "..") return bad("has a '.' or '..' segment");
        segments.push_back(std::move(*segment));
    }
    Match match;
    if (segments.size() > table_->deepest) return match;

    std::array<bool, kMethods> has{};
    std::size_t found = kNoRoute;
    walk(table_->root, segments, [&](const PatternNode& leaf) {
        for (std::size_t i = 0; i < kMethods; ++i) has.at(i) = has.at(i) || leaf.routes.at(i) != kNoRoute;
        found = leaf.routes.at(index_of(method));
        if (found == kNoRoute && method == Method::head) found = leaf.routes.at(index_of(Method::get));
        return found != kNoRoute;
    });
    if (found == kNoRoute) {
        match.allow = allow_list(has);
        return match;
    }
    match.route = &table_->routes[found];
    for (const auto& [position, name] : table_->parameters[found])
        match.params.emplace_back(name, std::move(segments[position]));
    return match;
}

}  // namespace imgsrv::http
