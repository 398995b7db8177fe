#include "database.h"

#include <algorithm>
#include <cstring>

#include "error.h"

namespace imgsrv::postgres {
namespace {

struct FreeOptions {
    void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};

// libpq's own words about a URL quote it, password and all, so they are not passed on.
std::string password_of(const std::string& url) {
    char* error = nullptr;
    const std::unique_ptr<PQconninfoOption, FreeOptions> options(PQconninfoParse(url.c_str(), &error));
    if (error) PQfreemem(error);
    const bool is_url = url.starts_with("postgresql://") || url.starts_with("postgres://");
    if (!options || !is_url) {
        throw sdk::Failure(IMGSRV_INVALID_ARGUMENT,
                           "option 'url' is not a PostgreSQL URL: postgresql://user:password@host:5432/database"
                           "?sslmode=verify-full, where special characters of the password are written as %xx");
    }
    for (const PQconninfoOption* option = options.get(); option->keyword; ++option)
        if (std::strcmp(option->keyword, "password") == 0 && option->val) return option->val;
    return {};
}

std::string isolation_level(std::string level) {
    std::transform(level.begin(), level.end(), level.begin(),
                   [](unsigned char c) { return c == '-' ? ' ' : static_cast<char>(std::toupper(c)); });
    if (level != "SERIALIZABLE" && level != "REPEATABLE READ")
        throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, "option 'isolation' is neither serializable nor repeatable-read");
    return level;
}

Settings read_settings(const sdk::Config& config) {
    const std::string url = config.text("url");
    Settings settings{url, password_of(url), isolation_level(config.text("isolation")),
                      config.duration("connect_timeout")};
    if (settings.connect_timeout.count() <= 0)
        throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, "option 'connect_timeout' must be above zero");
    return settings;
}

}  // namespace

Database::Database(const sdk::Setup& setup) : settings_(read_settings(setup.config)), log_(setup.host.log()) {}

std::unique_ptr<Connection> Database::connect(const sdk::Call& call) {
    return std::make_unique<Connection>(settings_, call, log_);
}

void Database::health(const sdk::Call& call) {
    std::lock_guard lock(health_mutex_);
    const auto ask = [&] {
        Link::Operation operation(*health_link_, call);
        health_link_->check();
        return health_link_->run("SELECT pg_is_in_recovery()");
    };
    const bool reused = health_link_ != nullptr;
    if (!health_link_) health_link_ = std::make_unique<Link>(settings_, call, log_);
    Result answer;
    try {
        answer = ask();
    } catch (const sdk::Failure&) {
        const bool dead = !health_link_->alive();
        if (dead) health_link_.reset();
        if (!dead || !reused) throw;
        // The server may have been restarted since the last time; that is no failure now.
        health_link_ = std::make_unique<Link>(settings_, call, log_);
        answer = ask();
    }
    if (std::strcmp(PQgetvalue(answer.get(), 0, 0), "f") != 0) {
        throw sdk::Failure(IMGSRV_FAILED_PRECONDITION, "this PostgreSQL server is a standby, which takes no writes")
            .with_db_class(IMGSRV_DB_READ_ONLY);
    }
}

}  // namespace imgsrv::postgres
