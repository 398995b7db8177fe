#include <imgsrv/database.h>

#include <charconv>
#include <cmath>
#include <forward_list>

#include "plugin/create.h"
#include "plugin/instance.h"

// imgsrv_database as a ports::Database.
namespace imgsrv::plugin {
namespace {

imgsrv_value to_value(const ports::Param& param) {
    imgsrv_value v{};
    if (const auto* integer = std::get_if<std::int64_t>(&param)) {
        v.type = IMGSRV_VAL_INT;
        v.u.i = *integer;
    } else if (const auto* real = std::get_if<double>(&param)) {
        v.type = IMGSRV_VAL_DOUBLE;
        v.u.d = *real;
    } else if (const auto* boolean = std::get_if<bool>(&param)) {
        v.type = IMGSRV_VAL_BOOL;
        v.u.i = *boolean ? 1 : 0;
    } else if (const auto* text = std::get_if<std::string_view>(&param)) {
        v.type = IMGSRV_VAL_TEXT;
        v.u.s = str(*text);
    } else if (const auto* blob = std::get_if<ports::Blob>(&param)) {
        v.type = IMGSRV_VAL_BLOB;
        v.u.s = str(blob->bytes);
    }
    return v;
}

template <class Number>
Number parse_or_zero(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? value : Number{};
}

// The operator learns from health and the log where the database is and why it is away. Clients do not learn it.
Status for_callers(const Status& status) {
    if (status.code() != Code::unavailable && status.code() != Code::permission_denied) return status;
    return Status(Code::unavailable, "the database is not available")
        .with_detail(status.describe())
        .with_retryable(status.retryable())
        .with_outcome_unknown(status.outcome_unknown())
        .with_db_class(status.db_class())
        .with_retry_after_ms(status.retry_after_ms());
}

// The driver's current row. Closes the result at its end.
class PluginRow final : public ports::Row {
  public:
    PluginRow(Instance& instance, const imgsrv_database& table, void* rows)
        : instance_(instance), table_(table), rows_(rows) {}
    ~PluginRow() override {
        const auto lock = instance_.enter();
        table_.rows_close(rows_);
    }
    PluginRow(const PluginRow&) = delete;
    PluginRow& operator=(const PluginRow&) = delete;

    // False at the end.
    Result<bool> next(const ports::Call& call) {
        texts_.clear();
        std::int32_t n = 0;
        IMGSRV_TRY(for_callers(instance_.run_on(rows_, call, [&](void* rows, auto* c, auto* err) {
            n = table_.row_next(rows, c, err);
            return n < 0 ? code_of(n) : IMGSRV_OK;
        })));
        return n > 0;
    }
    // The first column that could not be read since next().
    const Status& failure() const { return failure_; }

    std::size_t width() const override {
        const auto lock = instance_.enter();
        return table_.row_width(rows_);
    }
    bool is_null(std::size_t column) const override { return get(column).type == IMGSRV_VAL_NULL; }

    std::int64_t integer(std::size_t column) const override {
        const imgsrv_value v = get(column);
        switch (v.type) {
            case IMGSRV_VAL_INT:
            case IMGSRV_VAL_BOOL:
                return v.u.i;
            case IMGSRV_VAL_DOUBLE:
                return std::trunc(v.u.d) == v.u.d && std::fabs(v.u.d) < 0x1p63 ? static_cast<std::int64_t>(v.u.d) : 0;
            case IMGSRV_VAL_TEXT:
                return parse_or_zero<std::int64_t>(view(v.u.s));
            default:
                return 0;
        }
    }
    double real(std::size_t column) const override {
        const imgsrv_value v = get(column);
        switch (v.type) {
            case IMGSRV_VAL_INT:
            case IMGSRV_VAL_BOOL:
                return static_cast<double>(v.u.i);
            case IMGSRV_VAL_DOUBLE:
                return v.u.d;
            case IMGSRV_VAL_TEXT:
                return parse_or_zero<double>(view(v.u.s));
            default:
                return 0;
        }
    }
    bool boolean(std::size_t column) const override {
        const imgsrv_value v = get(column);
        if (v.type == IMGSRV_VAL_TEXT) return view(v.u.s) == "t" || view(v.u.s) == "true" || view(v.u.s) == "1";
        return (v.type == IMGSRV_VAL_INT || v.type == IMGSRV_VAL_BOOL) && v.u.i != 0;
    }
    std::string_view text(std::size_t column) const override {
        const imgsrv_value v = get(column);
        switch (v.type) {
            case IMGSRV_VAL_TEXT:
            case IMGSRV_VAL_BLOB:
                return view(v.u.s);
            case IMGSRV_VAL_INT:
            case IMGSRV_VAL_BOOL:
                return texts_.emplace_front(std::to_string(v.u.i));
            case IMGSRV_VAL_DOUBLE: {
                char buffer[32];
                const auto end = std::to_chars(buffer, buffer + sizeof buffer, v.u.d).ptr;
                return texts_.emplace_front(buffer, end);
            }
            default:
                return {};
        }
    }

  private:
    imgsrv_value get(std::size_t column) const {
        if (!failure_.ok()) return {};
        const auto lock = instance_.enter();
        imgsrv_value value{};
        const imgsrv_code code = table_.row_get(rows_, column, &value, error_.get());
        if (code == IMGSRV_OK) return value;
        failure_ = error_.status(code);
        return {};
    }

    Instance& instance_;
    const imgsrv_database& table_;
    void* rows_;
    mutable AbiError error_;  // kept, because zeroing one for each column costs more than reading it
    mutable Status failure_;
    mutable std::forward_list<std::string> texts_;  // numbers that were asked for as text
};

const imgsrv_ext_database_notifications* notifications_of(const Instance& instance) {
    return instance.extension<imgsrv_ext_database_notifications>(IMGSRV_EXT_DATABASE_NOTIFICATIONS,
                                                                 sizeof(imgsrv_ext_database_notifications));
}

class PluginConnection final : public ports::Connection {
  public:
    PluginConnection(std::shared_ptr<Instance> instance, void* conn)
        : instance_(std::move(instance)),
          table_(instance_->table<imgsrv_database>()),
          notifications_(notifications_of(*instance_)),
          conn_(conn) {}
    ~PluginConnection() override {
        const auto lock = instance_->enter();
        table_.disconnect(conn_);
    }
    PluginConnection(const PluginConnection&) = delete;
    PluginConnection& operator=(const PluginConnection&) = delete;

    Status begin(const ports::Call& call, ports::Access access) override {
        const std::int32_t mode = access == ports::Access::write ? IMGSRV_TX_WRITE : IMGSRV_TX_READ;
        return run(call, [&](void* conn, auto* c, auto* err) { return table_.begin(conn, c, mode, err); });
    }
    Status commit(const ports::Call& call) override { return run(call, table_.commit); }
    Status rollback(const ports::Call& call) override { return run(call, table_.rollback); }
    Status reset(const ports::Call& call) override { return run(call, table_.reset); }
    Status migration_lock(const ports::Call& call) override { return run(call, table_.migration_lock); }
    Status migration_unlock(const ports::Call& call) override { return run(call, table_.migration_unlock); }

    Status script(const ports::Call& call, std::string_view sql) override {
        return run(call, [&](void* conn, auto* c, auto* err) { return table_.script(conn, c, str(sql), err); });
    }

    Result<std::uint64_t> query(const ports::Call& call, std::string_view sql, std::span<const ports::Param> params,
                                const ports::RowVisitor& visit) override {
        values_.clear();
        for (const ports::Param& p : params) values_.push_back(to_value(p));
        void* rows = nullptr;
        std::uint64_t affected = 0;
        IMGSRV_TRY(run(call, [&](void* conn, auto* c, auto* err) {
            return table_.query(conn, c, str(sql), values_.data(), values_.size(), &rows, &affected, err);
        }));
        if (!rows) return affected;

        PluginRow row(*instance_, table_, rows);
        while (visit) {
            IMGSRV_ASSIGN(const bool more, row.next(call));
            if (!more) break;
            reading_ = true;
            const Status status = visit(row);
            reading_ = false;
            IMGSRV_TRY(row.failure());
            IMGSRV_TRY(status);
        }
        return affected;
    }

    void interrupt() override { table_.interrupt(conn_); }

    Status listen(const ports::Call& call, std::string_view channel) override {
        if (!notifications_) return no_notifications();
        return run(call,
                   [&](void* conn, auto* c, auto* err) { return notifications_->listen(conn, c, str(channel), err); });
    }
    Result<std::string> next_notification(const ports::Call& call) override {
        if (!notifications_) return no_notifications();
        std::string channel;
        IMGSRV_TRY(run(call, [&](void* conn, auto* c, auto* err) {
            imgsrv_str told{};
            const imgsrv_code code = notifications_->next_notification(conn, c, &told, err);
            if (code == IMGSRV_OK) channel = view(told);
            return code;
        }));
        return channel;
    }

  private:
    static Status no_notifications() {
        return {Code::unimplemented, "this database driver does not tell of other processes' changes"};
    }

    template <class F>
    Status run(const ports::Call& call, F f) {
        if (reading_) return {Code::internal, "a statement was run while another one's rows were being read"};
        return for_callers(instance_->run_on(conn_, call, f));
    }

    std::shared_ptr<Instance> instance_;
    const imgsrv_database& table_;
    const imgsrv_ext_database_notifications* const notifications_;
    void* conn_;
    bool reading_ = false;
    std::vector<imgsrv_value> values_;  // kept for its memory
};

class PluginDatabase final : public ports::Database {
  public:
    explicit PluginDatabase(std::shared_ptr<Instance> instance)
        : instance_(std::move(instance)), table_(instance_->table<imgsrv_database>()) {}

    std::string_view dialect() const override { return table_.dialect; }
    bool concurrent_writers() const override { return (table_.features & IMGSRV_DB_FEATURE_CONCURRENT_WRITERS) != 0; }
    bool skip_locked() const override { return (table_.features & IMGSRV_DB_FEATURE_SKIP_LOCKED) != 0; }

    bool can_listen() const override { return notifications_of(*instance_) != nullptr; }

    Result<std::unique_ptr<ports::Connection>> connect(const ports::Call& call) override {
        void* conn = nullptr;
        IMGSRV_TRY(for_callers(
            instance_->run(call, [&](void* self, auto* c, auto* err) { return table_.connect(self, c, &conn, err); })));
        if (!conn) return Status(Code::internal, "the database driver returned OK without a connection");
        return std::unique_ptr<ports::Connection>(std::make_unique<PluginConnection>(instance_, conn));
    }

    Status health(const ports::Call& call) override { return instance_->health(call); }

  private:
    std::shared_ptr<Instance> instance_;
    const imgsrv_database& table_;
};

}  // namespace

Result<std::unique_ptr<ports::Database>> create_database(const PluginRegistry& registry, std::string_view driver,
                                                         std::string_view instance, const OptionValues& options,
                                                         const HostContext& context, const ports::Call& call) {
    IMGSRV_ASSIGN(auto made, Instance::create(registry, Kind::database, driver, instance, options, context, call));
    return std::unique_ptr<ports::Database>(std::make_unique<PluginDatabase>(std::move(made)));
}

}  // namespace imgsrv::plugin
