#include "store/housekeeping/database_copy.h"

#include <algorithm>
#include <set>

namespace imgsrv::store {
namespace {

enum class ColumnType { integer, real, text, bytes };

struct Column {
    std::string name;
    ColumnType type = ColumnType::text;
};

struct Table {
    std::string name;
    std::vector<Column> columns;
    std::set<std::string> parents;
};

// Whether the migrations put a row into the table; the source's row replaces it.
bool is_seeded(std::string_view table) {
    return table == "catalogue_generation" || table == "provisioning_generation";
}

Result<ColumnType> column_type(std::string_view declared) {
    if (declared == "INTEGER" || declared == "BIGINT") return ColumnType::integer;
    if (declared == "REAL") return ColumnType::real;
    if (declared == "TEXT") return ColumnType::text;
    if (declared == "BLOB") return ColumnType::bytes;
    return Status(Code::unimplemented, "a column of the type '" + std::string(declared) + "' cannot be copied");
}

Result<std::vector<Table>> read_schema(Transaction& tx) {
    std::vector<Table> tables;
    IMGSRV_TRY(tx.query(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> "
        "'schema_migrations' ORDER BY name",
        {}, [&](const ports::Row& row) {
            tables.push_back({std::string(row.text(0)), {}, {}});
            return Status();
        }));
    for (Table& table : tables) {
        IMGSRV_TRY(tx.query("SELECT name, type FROM pragma_table_info($1) ORDER BY cid", {table.name},
                            [&](const ports::Row& row) -> Status {
                                IMGSRV_ASSIGN(const ColumnType type, column_type(row.text(1)));
                                table.columns.push_back({std::string(row.text(0)), type});
                                return {};
                            }));
        IMGSRV_TRY(tx.query("SELECT DISTINCT \"table\" FROM pragma_foreign_key_list($1)", {table.name},
                            [&](const ports::Row& row) {
                                if (row.text(0) != table.name) table.parents.emplace(row.text(0));
                                return Status();
                            }));
    }
    return tables;
}

// Parents before children.
Result<std::vector<Table>> in_order(std::vector<Table> tables) {
    std::vector<Table> ordered;
    std::set<std::string> done;
    while (!tables.empty()) {
        const auto next = std::find_if(tables.begin(), tables.end(), [&](const Table& table) {
            return std::includes(done.begin(), done.end(), table.parents.begin(), table.parents.end());
        });
        if (next == tables.end()) return Status(Code::internal, "the tables reference each other in a circle");
        done.insert(next->name);
        ordered.push_back(std::move(*next));
        tables.erase(next);
    }
    return ordered;
}

Result<std::uint64_t> count_rows(Transaction& tx, const std::string& table) {
    std::uint64_t rows = 0;
    IMGSRV_TRY(tx.query("SELECT COUNT(*) FROM " + table, {}, [&](const ports::Row& row) {
        rows = static_cast<std::uint64_t>(row.integer(0));
        return Status();
    }));
    return rows;
}

ports::Param value_of(const ports::Row& row, std::size_t at, ColumnType type) {
    if (row.is_null(at)) return std::monostate();
    switch (type) {
        case ColumnType::integer:
            return row.integer(at);
        case ColumnType::real:
            return row.real(at);
        case ColumnType::bytes:
            return ports::Blob(row.text(at));
        case ColumnType::text:
            break;
    }
    return row.text(at);
}

Result<CopiedTable> copy_table(Transaction& from, Transaction& to, const Table& table) {
    std::string names, places;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        const char* comma = i > 0 ? ", " : "";
        names += comma + table.columns[i].name;
        places += comma + ("$" + std::to_string(i + 1));
    }
    const std::string insert = "INSERT INTO " + table.name + " (" + names + ") VALUES (" + places + ")";
    // The triggers checked these rows when they were written, and would refuse, say, an artifact of a published
    // version.
    IMGSRV_TRY(to.exec("ALTER TABLE " + table.name + " DISABLE TRIGGER USER").status());
    if (is_seeded(table.name)) IMGSRV_TRY(to.exec("DELETE FROM " + table.name).status());
    CopiedTable copied{table.name, 0};
    std::vector<ports::Param> values(table.columns.size());
    IMGSRV_TRY(from.query("SELECT " + names + " FROM " + table.name, {}, [&](const ports::Row& row) {
        for (std::size_t i = 0; i < values.size(); ++i) values[i] = value_of(row, i, table.columns[i].type);
        ++copied.rows;
        return to.exec_values(insert, values).status();
    }));
    IMGSRV_TRY(to.exec("ALTER TABLE " + table.name + " ENABLE TRIGGER USER").status());
    IMGSRV_ASSIGN(const std::uint64_t there, count_rows(to, table.name));
    if (there != copied.rows) {
        return Status(Code::internal, "the table " + table.name + " has " + std::to_string(there) + " of " +
                                          std::to_string(copied.rows) + " rows after the copy");
    }
    return copied;
}

}  // namespace

Result<std::vector<CopiedTable>> copy_database(Pool& from, Pool& to, const ports::Call& call,
                                               const std::function<void(const CopiedTable&)>& report) {
    if (from.dialect() != Dialect::sqlite || to.dialect() != Dialect::postgresql)
        return Status(Code::unimplemented, "a database can be copied from sqlite to postgres only");
    return from.read(call, [&](Transaction& source) -> Result<std::vector<CopiedTable>> {
        IMGSRV_ASSIGN(auto schema, read_schema(source));
        IMGSRV_ASSIGN(const auto tables, in_order(std::move(schema)));
        return to.write(call, [&](Transaction& target) -> Result<std::vector<CopiedTable>> {
            for (const Table& table : tables) {
                IMGSRV_ASSIGN(const std::uint64_t rows, count_rows(target, table.name));
                if (rows > 0 && !is_seeded(table.name))
                    return Status(Code::failed_precondition, "the target database is in use: its table " + table.name +
                                                                 " has " + std::to_string(rows) + " rows");
            }
            std::vector<CopiedTable> copied;
            for (const Table& table : tables) {
                IMGSRV_ASSIGN(CopiedTable one, copy_table(source, target, table));
                report(one);
                copied.push_back(std::move(one));
            }
            return copied;
        });
    });
}

}  // namespace imgsrv::store
