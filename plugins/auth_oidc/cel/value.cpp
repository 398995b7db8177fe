#include "cel/value.h"

#include <algorithm>

#include "cel/numbers.h"

namespace imgsrv::cel {
namespace {

int key_class(const Value& key) {
    return key.is(Kind::boolean) ? 0 : key.is_number() ? 1 : 2;
}

// A total order of possible keys.
bool key_less(const Value& a, const Value& b) {
    const int rank_a = key_class(a);
    const int rank_b = key_class(b);
    if (rank_a != rank_b) return rank_a < rank_b;
    if (rank_a == 0) return a.as_boolean() < b.as_boolean();
    if (rank_a == 1) return compare_numbers(a, b) < 0;
    return a.text() < b.text();
}

std::partial_ordering reversed(std::partial_ordering o) {
    return 0 <=> o;
}

std::optional<bool> equal_lists(const List& a, const List& b, Budget& budget) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const auto same = equal(a[i], b[i], budget);
        if (!same || !*same) return same;
    }
    return true;
}

std::optional<bool> equal_maps(const Map& a, const Map& b, Budget& budget) {
    if (a.size() != b.size()) return false;
    // Both are in the order of their keys.
    for (std::size_t i = 0; i < a.size(); ++i) {
        const auto& [key_a, value_a] = a.entries()[i];
        const auto& [key_b, value_b] = b.entries()[i];
        if (const auto same = equal(key_a, key_b, budget); !same || !*same) return same;
        if (const auto same = equal(value_a, value_b, budget); !same || !*same) return same;
    }
    return true;
}

}  // namespace

std::string_view type_name(Kind kind) {
    switch (kind) {
        case Kind::null:
            return "null_type";
        case Kind::boolean:
            return "bool";
        case Kind::integer:
            return "int";
        case Kind::uinteger:
            return "uint";
        case Kind::real:
            return "double";
        case Kind::string:
            return "string";
        case Kind::bytes:
            return "bytes";
        case Kind::list:
            return "list";
        case Kind::map:
            return "map";
    }
    return "unknown";
}

Value Value::string(std::string v) {
    return Value(Data(std::in_place_index<5>, std::make_shared<const std::string>(std::move(v))));
}
Value Value::bytes(std::string v) {
    return Value(Data(std::in_place_index<6>, std::make_shared<const std::string>(std::move(v))));
}
Value Value::list(List v) {
    return Value(Data(std::in_place_index<7>, std::make_shared<const List>(std::move(v))));
}
Value Value::map(Map v) {
    return Value(Data(std::in_place_index<8>, std::make_shared<const Map>(std::move(v))));
}

std::string_view Value::text() const {
    const Text* text = is(Kind::string) ? std::get_if<5>(&data_) : std::get_if<6>(&data_);
    return **text;
}

bool Map::can_be_key(const Value& value) {
    return value.is(Kind::boolean) || value.is(Kind::integer) || value.is(Kind::uinteger) || value.is(Kind::string);
}

std::optional<Map> Map::of(std::vector<Entry> entries) {
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return key_less(a.first, b.first); });
    const auto twice = std::adjacent_find(entries.begin(), entries.end(),
                                          [](const Entry& a, const Entry& b) { return !key_less(a.first, b.first); });
    if (twice != entries.end()) return std::nullopt;
    Map map;
    map.entries_ = std::move(entries);
    return map;
}

const Value* Map::find(const Value& key) const {
    if (!can_be_key(key)) {
        if (!key.is(Kind::real)) return nullptr;
        const auto whole = to_int64(key.as_real());
        if (whole && compare(*whole, key.as_real()) == 0) return find(Value::integer(*whole));
        const auto large = to_uint64(key.as_real());
        if (large && compare(*large, key.as_real()) == 0) return find(Value::uinteger(*large));
        return nullptr;
    }
    const auto at = std::lower_bound(entries_.begin(), entries_.end(), key,
                                     [](const Entry& e, const Value& k) { return key_less(e.first, k); });
    return at != entries_.end() && !key_less(key, at->first) ? &at->second : nullptr;
}

const Value* Map::find(std::string_view key) const {
    // Strings come last.
    const auto at = std::lower_bound(entries_.begin(), entries_.end(), key, [](const Entry& e, std::string_view k) {
        return !e.first.is(Kind::string) || e.first.text() < k;
    });
    return at != entries_.end() && at->first.text() == key ? &at->second : nullptr;
}

std::partial_ordering compare_numbers(const Value& a, const Value& b) {
    if (a.kind() > b.kind()) return reversed(compare_numbers(b, a));
    if (a.is(Kind::integer)) {
        if (b.is(Kind::integer)) return a.as_integer() <=> b.as_integer();
        if (b.is(Kind::uinteger)) return compare(a.as_integer(), b.as_uinteger());
        return compare(a.as_integer(), b.as_real());
    }
    if (a.is(Kind::uinteger)) {
        if (b.is(Kind::uinteger)) return a.as_uinteger() <=> b.as_uinteger();
        return compare(a.as_uinteger(), b.as_real());
    }
    return a.as_real() <=> b.as_real();
}

std::optional<bool> equal(const Value& a, const Value& b, Budget& budget) {
    if (!budget.spend(1)) return std::nullopt;
    if (a.is_number() && b.is_number()) return compare_numbers(a, b) == 0;
    if (a.kind() != b.kind()) return false;
    switch (a.kind()) {
        case Kind::null:
            return true;
        case Kind::boolean:
            return a.as_boolean() == b.as_boolean();
        case Kind::string:
        case Kind::bytes:
            if (a.text().size() != b.text().size()) return false;
            if (!budget.spend(a.text().size() / kBytesPerUnit)) return std::nullopt;
            return a.text() == b.text();
        case Kind::list:
            return equal_lists(a.as_list(), b.as_list(), budget);
        case Kind::map:
            return equal_maps(a.as_map(), b.as_map(), budget);
        default:
            return false;
    }
}

std::optional<std::partial_ordering> order(const Value& a, const Value& b) {
    if (a.is_number() && b.is_number()) return compare_numbers(a, b);
    if (a.kind() != b.kind()) return std::nullopt;
    if (a.is(Kind::boolean)) return a.as_boolean() <=> b.as_boolean();
    if (a.is(Kind::string) || a.is(Kind::bytes)) return a.text() <=> b.text();
    return std::nullopt;
}

}  // namespace imgsrv::cel
