// Conditions of provisioning rules: whatever the text is, it is compiled or refused, and evaluated within its budget.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cel/program.h"

using namespace imgsrv::cel;

namespace {

Value text(const char* s) {
    return Value::string(s);
}

// Claims of many kinds.
const Bindings& bindings() {
    static const Bindings kBindings = [] {
        const auto inner = Map::of({{text("n"), Value::integer(3)}, {text("d"), Value::real(0.5)}});
        auto claims = Map::of({{text("sub"), text("repo:acme/app:ref:refs/heads/main")},
                               {text("aud"), Value::list({text("images"), text("other")})},
                               {text("admin"), Value::boolean(true)},
                               {text("iat"), Value::integer(1'700'000'000)},
                               {text("big"), Value::uinteger(UINT64_MAX)},
                               {text("none"), Value()},
                               {text("bytes"), Value::bytes("\xff\x00")},
                               {text("a"), Value::map(*inner)}});
        return Bindings{{"claims", Value::map(*std::move(claims))}, {"x.y", Value::integer(1)}};
    }();
    return kBindings;
}

const Declarations kDeclared = {{"claims", Type::map(Type::Kind::string, Type())}, {"x.y", Type::Kind::integer}};

void require(bool holds) {
    if (!holds) std::abort();
}

// A value is of the kind that the checker has found.
bool fits(const Type& type, const Value& value) {
    if (type.is(Type::Kind::dyn)) return true;
    // The kinds of types are those of values, one further.
    return static_cast<int>(type.kind()) == static_cast<int>(value.kind()) + 1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view source(reinterpret_cast<const char*>(data), size);
    const auto unchecked = Program::parse(source);
    const auto checked = Program::compile(source, kDeclared);
    require(unchecked.ok() || !checked.ok());
    if (!unchecked.ok()) {
        require(!unchecked.error().message.empty() && unchecked.error().at.line >= 1 &&
                unchecked.error().at.column >= 1);
        return 0;
    }
    const auto loose = unchecked->evaluate(bindings());
    if (!checked.ok()) return 0;
    const auto strict = checked->evaluate(bindings());
    if (strict.ok()) require(fits(checked->type(), *strict));
    // Checking changes no result; it may make a pattern cheaper.
    const bool limited = (!loose.ok() && loose.error().kind == Error::Kind::limit) ||
                         (!strict.ok() && strict.error().kind == Error::Kind::limit);
    if (limited) return 0;
    require(loose.ok() == strict.ok());
    if (loose.ok()) require(loose->kind() == strict->kind());
    return 0;
}
