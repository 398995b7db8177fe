#include "client/connect.h"

#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/units.h"

namespace imgsrv::client {
namespace {

bool is_loopback(std::string_view url) {
    const std::string_view host = url.substr(url.find("://") + 3);
    for (const std::string_view name : {"127.", "localhost", "[::1]"})
        if (host.starts_with(name)) return true;
    return false;
}

}  // namespace

Result<std::shared_ptr<Connection>> connect(const ConnectionOptions& options, Reporter& reporter) {
    std::signal(SIGPIPE, SIG_IGN);
    IMGSRV_ASSIGN(auto connection, resolve(options));
    if (!connection->token.empty() && connection->base_url.starts_with("http://") && !is_loopback(connection->base_url))
        reporter.warn("the token goes to " + connection->base_url + " unencrypted; use https://");
    connection->on_outage = [&reporter, server = connection.get()](const Status& status) {
        if (status.ok()) {
            reporter.event("server_back", nlohmann::ordered_json::object(), server->base_url + " answers again");
            return;
        }
        const auto patience = server->answered
                                  ? server->retry_for
                                  : std::min<std::chrono::milliseconds>(server->retry_for, Connection::kFirstContact);
        reporter.event("server_away", {{"message", status.message()}},
                       server->base_url + " cannot be reached (" + std::string(status.message()) + "), retrying for " +
                           format_duration(patience));
    };
    return connection;
}

}  // namespace imgsrv::client
