#include <cmath>
#include <limits>

#include "conformance/database_parts.h"

namespace imgsrv::conformance {
namespace {

void fresh_values_tables(Link& link) {
    make_table(link, "v",
               std::string("id BIGINT PRIMARY KEY, i BIGINT, d DOUBLE PRECISION, b BOOLEAN, s TEXT, x ") +
                   link.dialect().blob_type);
}

// Stores the value in a column of its kind and reads it back.
Value round_trip(Link& link, const char* column, const Value& value) {
    link.change("DELETE FROM conformance_v");
    link.change(std::string("INSERT INTO conformance_v (id, ") + column + ") VALUES (1, $1)", {value});
    const auto rows = link.read(std::string("SELECT ") + column + " FROM conformance_v");
    IMGSRV_EXPECT(rows.size() == 1 && rows[0].size() == 1);
    return rows[0][0];
}

std::string pattern(std::size_t size, char first) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(first + static_cast<char>(i % 26));
    return bytes;
}

void integers(Instance& instance) {
    Link link(instance);
    fresh_values_tables(link);
    for (const std::int64_t i :
         {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, std::int64_t{1} << 53, (std::int64_t{1} << 53) + 1,
          std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
        IMGSRV_EXPECT(round_trip(link, "i", integer(i)) == integer(i));
    }
}

void doubles(Instance& instance) {
    Link link(instance);
    fresh_values_tables(link);
    for (const double d : {0.0, 1.0, -2.5, 0.1, 1.0 / 3.0, 1e300, 5e-324, std::numeric_limits<double>::max()}) {
        IMGSRV_EXPECT(round_trip(link, "d", real(d)) == real(d));
    }
}

void booleans(Instance& instance) {
    Link link(instance);
    fresh_values_tables(link);
    for (const bool b : {true, false}) {
        const auto value = round_trip(link, "b", boolean(b));
        // A dialect without a boolean type gives the integers 0 and 1.
        IMGSRV_EXPECT(value == boolean(b) || value == integer(b ? 1 : 0));
        IMGSRV_EXPECT(link.number("SELECT count(*) FROM conformance_v WHERE b = $1", {boolean(b)}) == 1);
        IMGSRV_EXPECT(link.number("SELECT count(*) FROM conformance_v WHERE b") == (b ? 1 : 0));
    }
}

void texts(Instance& instance) {
    Link link(instance);
    fresh_values_tables(link);
    for (const char* s :
         {"", "a", "it's \"quoted\" \\ %_ $1 ?", "\n\t\x01", "Grüße 世界 🐧", "NULL", "12345", "x'00'"}) {
        IMGSRV_EXPECT(round_trip(link, "s", text(s)) == text(s));
    }
    imgsrv_error error{};
    const std::string sql = "SELECT CAST($1 AS TEXT)";
    IMGSRV_EXPECT_CODE(IMGSRV_INVALID_ARGUMENT, error, link.query(sql, {text(std::string("a\0b", 3))}, &error));
    IMGSRV_EXPECT((link.read(sql, {text("ok")}) == std::vector<Values>{{text("ok")}}));
}

void blobs(Instance& instance) {
    Link link(instance);
    fresh_values_tables(link);
    std::string every;
    for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
    for (const std::string& s : {std::string(), std::string(1, '\0'), std::string("\\x41"), every}) {
        IMGSRV_EXPECT(round_trip(link, "x", blob(s)) == blob(s));
    }
}

void nulls(Instance& instance) {
    Link link(instance);
    fresh_values_tables(link);
    for (const char* column : {"i", "d", "b", "s", "x"}) {
        IMGSRV_EXPECT(round_trip(link, column, null()) == null());
        IMGSRV_EXPECT(link.number(std::string("SELECT count(*) FROM conformance_v WHERE ") + column + " IS NULL") == 1);
    }
    // Empty is not NULL, with an address or without.
    link.change("UPDATE conformance_v SET s = $1, x = $2", {text(""), blob("")});
    IMGSRV_EXPECT(link.number("SELECT count(*) FROM conformance_v WHERE s IS NULL OR x IS NULL") == 0);
    imgsrv_value nothing[2] = {};
    nothing[0].type = IMGSRV_VAL_TEXT;
    nothing[1].type = IMGSRV_VAL_BLOB;
    imgsrv_error error{};
    void* rows = nullptr;
    std::uint64_t affected = 0;
    const std::string sql = "UPDATE conformance_v SET s = $1, x = $2";
    IMGSRV_EXPECT_CODE(
        IMGSRV_OK, error,
        link.table().query(link.raw(), link.call(), {sql.data(), sql.size()}, nothing, 2, &rows, &affected, &error));
    IMGSRV_EXPECT(link.number("SELECT count(*) FROM conformance_v WHERE s IS NULL OR x IS NULL") == 0);
}

void all_types_in_one_row(Instance& instance) {
    Link link(instance);
    fresh_values_tables(link);
    link.change("INSERT INTO conformance_v (id, i, d, b, s, x) VALUES ($1, $2, $3, $4, $5, $6)",
                {integer(1), integer(-7), real(0.5), boolean(true), text("s"), blob(std::string("\0x", 2))});
    auto rows = link.read("SELECT i, d, b, s, x, NULL FROM conformance_v");
    IMGSRV_EXPECT(rows.size() == 1);
    rows[0][2].type = IMGSRV_VAL_BOOL;
    IMGSRV_EXPECT(
        (rows[0] == Values{integer(-7), real(0.5), boolean(true), text("s"), blob(std::string("\0x", 2)), null()}));
}

void ten_mebibytes(Instance& instance) {
    Link link(instance);
    fresh_values_tables(link);
    const auto big_text = text(pattern(10 << 20, 'a'));
    const auto big_blob = blob(pattern(10 << 20, '\0'));
    IMGSRV_EXPECT(round_trip(link, "s", big_text) == big_text);
    IMGSRV_EXPECT(round_trip(link, "x", big_blob) == big_blob);
    IMGSRV_EXPECT(link.number("SELECT CAST(length(x) AS BIGINT) FROM conformance_v") == 10 << 20);
}

void unknown_type_is_refused(Instance& instance) {
    Link link(instance);
    imgsrv_value odd{};
    odd.type = 99;
    imgsrv_error error{};
    void* rows = nullptr;
    std::uint64_t affected = 0;
    const std::string sql = "SELECT CAST($1 AS TEXT)";
    IMGSRV_EXPECT_CODE(
        IMGSRV_INVALID_ARGUMENT, error,
        link.table().query(link.raw(), link.call(), {sql.data(), sql.size()}, &odd, 1, &rows, &affected, &error));
}

}  // namespace

void add_value_checks(Suite& suite) {
    suite.insert(suite.end(), {{"D15", "integers keep all 64 bits", integers},
                               {"D15", "doubles keep every bit", doubles},
                               {"D15", "booleans", booleans},
                               {"D15", "text in UTF-8; with a NUL it is refused", texts},
                               {"D15", "blobs of any bytes", blobs},
                               {"D15", "NULL of every type, and empty is not NULL", nulls},
                               {"D15", "all types in one row", all_types_in_one_row},
                               {"D15", "10 MiB of text and of bytes", ten_mebibytes},
                               {"D15", "a value of unknown type is refused", unknown_type_is_refused}});
}

}  // namespace imgsrv::conformance
