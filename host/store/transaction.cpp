#include "store/transaction.h"

namespace imgsrv::store {

Result<std::uint64_t> Transaction::exec(std::string_view sql, Params params) {
    return connection_.query(call_, sql, std::span(params.begin(), params.size()), nullptr);
}

Result<std::uint64_t> Transaction::exec_values(std::string_view sql, std::span<const ports::Param> values) {
    return connection_.query(call_, sql, values, nullptr);
}

Status Transaction::query(std::string_view sql, Params params, const ports::RowVisitor& visit) {
    return connection_.query(call_, sql, std::span(params.begin(), params.size()), visit).status();
}

Result<bool> Transaction::query_one(std::string_view sql, Params params, const ports::RowVisitor& visit) {
    bool found = false;
    IMGSRV_TRY(query(sql, params, [&](const ports::Row& row) {
        if (found) return Status();
        found = true;
        return visit(row);
    }));
    return found;
}

Result<Time> Transaction::now() {
    if (now_) return *now_;
    const std::string_view sql = dialect_ == Dialect::sqlite
                                     ? "SELECT CAST(unixepoch('now') AS INTEGER) * 1000000 + "
                                       "CAST(substr(strftime('%f', 'now'), 4) AS INTEGER) * 1000"
                                     : "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint";
    IMGSRV_ASSIGN(const bool found, query_one(sql, {}, [&](const ports::Row& row) {
                      now_ = from_micros(row.integer(0));
                      return Status();
                  }));
    if (!found) return Status(Code::internal, "the database has no clock");
    return *now_;
}

}  // namespace imgsrv::store
