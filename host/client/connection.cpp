#include "client/connection.h"

#include <cstdlib>
#include <fstream>

#include "core/units.h"

namespace imgsrv::client {
namespace {

std::string first_of(const std::string& given, const char* variable) {
    if (!given.empty()) return given;
    const char* value = std::getenv(variable);
    return value != nullptr ? value : "";
}

Result<std::string> read_token(const std::string& file) {
    std::ifstream in(file);
    std::string token;
    if (!in || !std::getline(in, token))
        return Status(Code::invalid_argument, "cannot read a token from the file '" + file + "'");
    return token;
}

}  // namespace

Result<std::shared_ptr<Connection>> resolve(const ConnectionOptions& options) {
    auto connection = std::make_shared<Connection>();
    std::string url = first_of(options.server, "IMGSRV_SERVER");
    if (url.empty()) url = "http://127.0.0.1:8080";
    if (!url.starts_with("http://") && !url.starts_with("https://"))
        return Status(Code::invalid_argument, "the server '" + url + "' must be a URL with http:// or https://");
    while (url.ends_with('/')) url.pop_back();
    connection->base_url = std::move(url);

    std::string token;
    if (!options.token_file.empty()) {
        IMGSRV_ASSIGN(token, read_token(options.token_file));
    } else {
        token = first_of("", "IMGSRV_TOKEN");
    }
    while (!token.empty() && (token.back() == '\r' || token.back() == '\n' || token.back() == ' ')) token.pop_back();
    // The token becomes a header field (RFC 6750, section 2.1), so it must not contain a line break.
    for (const char c : token)
        if (c <= ' ' || c > '~') return Status(Code::invalid_argument, "the token contains an invalid character");
    connection->token = std::move(token);

    connection->ca_file = first_of(options.ca_certificate, "SSL_CERT_FILE");
    if (!connection->ca_file.empty() && !std::ifstream(connection->ca_file))
        return Status(Code::invalid_argument, "the CA certificate '" + connection->ca_file + "' cannot be read");
    IMGSRV_ASSIGN(connection->retry_for, parse_duration(options.retry_for));
    IMGSRV_ASSIGN(connection->inactivity, parse_duration(options.inactivity_timeout));
    return connection;
}

}  // namespace imgsrv::client
