#include "cel/type.h"

#include "cel/value.h"

namespace imgsrv::cel {
namespace {

// Types of values are in the order of the kinds of values, after dyn.
constexpr cel::Kind kind_of_values(Type::Kind type) {
    return static_cast<cel::Kind>(static_cast<int>(type) - 1);
}
static_assert(kind_of_values(Type::Kind::null) == cel::Kind::null);
static_assert(kind_of_values(Type::Kind::bytes) == cel::Kind::bytes);
static_assert(kind_of_values(Type::Kind::map) == cel::Kind::map);

}  // namespace

std::string Type::name() const {
    switch (kind_) {
        case Kind::dyn:
            return "dyn";
        case Kind::list:
            return "list(" + element().name() + ")";
        case Kind::map:
            return "map(" + key().name() + ", " + value().name() + ")";
        case Kind::parameter:
            return index_ == 0 ? "A" : "B";
        default:
            return std::string(type_name(kind_of_values(kind_)));
    }
}

bool Substitution::match(const Type& wanted, const Type& actual) {
    if (wanted.is(Type::Kind::parameter)) {
        auto& found = found_[wanted.index()];
        if (!found) {
            found = actual;
            return true;
        }
        if (!compatible(*found, actual)) return false;
        // The more that is known, the better.
        if (found->is(Type::Kind::dyn)) found = actual;
        return true;
    }
    if (wanted.is(Type::Kind::dyn) || actual.is(Type::Kind::dyn)) return true;
    if (wanted.kind() != actual.kind()) return false;
    for (std::size_t i = 0; i < wanted.arguments().size(); ++i)
        if (!match(wanted.arguments()[i], actual.arguments()[i])) return false;
    return true;
}

Type Substitution::apply(const Type& type) const {
    switch (type.kind()) {
        case Type::Kind::parameter:
            return found_[type.index()].value_or(Type());
        case Type::Kind::list:
            return Type::list(apply(type.element()));
        case Type::Kind::map:
            return Type::map(apply(type.key()), apply(type.value()));
        default:
            return type;
    }
}

Type join(const Type& a, const Type& b) {
    if (a == b) return a;
    if (a.kind() != b.kind()) return {};
    if (a.is(Type::Kind::list)) return Type::list(join(a.element(), b.element()));
    if (a.is(Type::Kind::map)) return Type::map(join(a.key(), b.key()), join(a.value(), b.value()));
    return {};
}

bool compatible(const Type& a, const Type& b) {
    if (a.is(Type::Kind::dyn) || b.is(Type::Kind::dyn)) return true;
    if (a.kind() != b.kind()) return false;
    for (std::size_t i = 0; i < a.arguments().size(); ++i)
        if (!compatible(a.arguments()[i], b.arguments()[i])) return false;
    return true;
}

}  // namespace imgsrv::cel
