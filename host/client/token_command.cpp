#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "client/commands.h"
#include "client/paging.h"
#include "client/run_command.h"
#include "client/table.h"
#include "core/time.h"
#include "core/unique_fd.h"
#include "core/units.h"

namespace imgsrv::client {
namespace {

using nlohmann::json;

struct TokenOptions : CommandOptions {
    std::string name;
    std::vector<std::string> roles = {"content-writer"};
    std::string expires = "90d";
    std::string output;
    std::string id;
};

std::string principal_path(const std::string& id) {
    return "/v1/auth/principals/" + encode_segment(id);
}

// "90d" from now, or an RFC 3339 time.
Result<Time> parse_expiry(const std::string& text) {
    if (const auto moment = parse_rfc3339(text); moment.ok()) return *moment;
    const auto span = parse_duration(text);
    if (!span.ok())
        return Status(Code::invalid_argument,
                      "--expires takes a duration such as 90d, or a time such as 2026-12-31T00:00:00Z");
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()) + *span;
}

// The service principal of that name, created if there is none.
Result<std::string> find_or_create_principal(HttpClient& http, const std::string& name) {
    IMGSRV_ASSIGN(const json principals, list_all(http, "/v1/auth/principals"));
    for (const json& principal : principals)
        if (principal.value("kind", "") == "service" && principal.value("display_name", "") == name)
            return principal.value("id", "");
    IMGSRV_ASSIGN(const json created, http.json({.method = "POST",
                                                 .path = "/v1/auth/principals",
                                                 .json = json{{"kind", "service"}, {"display_name", name}}.dump(),
                                                 .file = {},
                                                 .repeatable = false,
                                                 .cancel = {}}));
    return created.value("id", "");
}

// Writes the secret to the file, readable by its owner only; on failure an existing file is unchanged.
Status write_secret(const std::string& path, const std::string& secret) {
    const auto failed = [&](const char* what) {
        return Status(Code::invalid_argument, "'" + path + "' cannot be " + what + ": " + std::strerror(errno));
    };
    const std::string draft = path + ".new";
    const UniqueFd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
    if (!fd) return failed("created");
    const std::string line = secret + "\n";
    if (::fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0 ||
        ::write(fd.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()) || ::fsync(fd.get()) != 0)
        return failed("written");
    if (::rename(draft.c_str(), path.c_str()) != 0) return failed("replaced");
    return {};
}

int run_token_create(const TokenOptions& options) {
    return run_command(options, [&](CommandContext& c) -> Status {
        IMGSRV_ASSIGN(const Time expires, parse_expiry(options.expires));
        IMGSRV_ASSIGN(const std::string principal, find_or_create_principal(c.http, options.name));
        for (const std::string& role : options.roles)
            IMGSRV_TRY(c.http
                           .json({.method = "PUT",
                                  .path = principal_path(principal) + "/roles/" + encode_segment(role),
                                  .json = {},
                                  .file = {},
                                  .cancel = {}})
                           .status());
        IMGSRV_ASSIGN(json token,
                      c.http.json({.method = "POST",
                                   .path = principal_path(principal) + "/api-tokens",
                                   .json = json{{"name", options.name}, {"expires_at", format_rfc3339(expires)}}.dump(),
                                   .file = {},
                                   .repeatable = false,
                                   .cancel = {}}));
        const std::string secret = token.value("plaintext", "");
        if (secret.empty()) return Status(Code::internal, "the server's answer contains no token");
        if (!options.output.empty()) {
            IMGSRV_TRY(write_secret(options.output, secret));
            token.erase("plaintext");
            if (c.json) return c.print(token), Status();
            c.print("token " + token.value("id", "") + " for " + options.name + " is in " + options.output + "\n");
            return {};
        }
        if (c.json) return c.print(token), Status();
        c.print(secret + "\n");  // alone on stdout, so that it can be piped
        return {};
    });
}

int run_token_list(const TokenOptions& options) {
    return run_command(options, [&](CommandContext& c) -> Status {
        IMGSRV_ASSIGN(json principals, list_all(c.http, "/v1/auth/principals"));
        Table table({"PRINCIPAL", "KIND", "ROLES", "TOKEN", "NAME", "EXPIRES", "LAST USED", "REVOKED"});
        for (json& principal : principals) {
            IMGSRV_ASSIGN(json tokens, list_all(c.http, principal_path(principal.value("id", "")) + "/api-tokens"));
            std::string roles;
            for (const json& role : principal.value("role_ids", json::array()))
                roles += (roles.empty() ? "" : ", ") + role.get<std::string>();
            for (const json& token : tokens)
                table.add({principal.value("display_name", ""), principal.value("kind", ""), roles,
                           token.value("id", ""), token.value("name", ""), token.value("expires_at", ""),
                           token.value("last_used_at", ""), token.value("revoked_at", "")});
            if (tokens.empty()) table.add({principal.value("display_name", ""), principal.value("kind", ""), roles});
            principal["api_tokens"] = std::move(tokens);
        }
        if (c.json) return c.print(principals), Status();
        c.print(table.render());
        return {};
    });
}

int run_token_revoke(const TokenOptions& options) {
    return run_command(options, [&](CommandContext& c) -> Status {
        IMGSRV_TRY(c.http
                       .json({.method = "DELETE",
                              .path = "/v1/auth/api-tokens/" + encode_segment(options.id),
                              .json = {},
                              .file = {},
                              .cancel = {}})
                       .status());
        c.reporter.event("token_revoked", {{"token_id", options.id}}, "token " + options.id + " is revoked");
        return {};
    });
}

}  // namespace

void add_token_command(CLI::App& app, int& exit_code) {
    CLI::App* group = app.add_subcommand("token", "Create, list and revoke API tokens (needs the role auth-manager)");
    group->require_subcommand(1);
    group->footer(
        "The first token is the one that the server prints once, on its first start.\n\nExamples:\n"
        "  IMGSRV_TOKEN=imgsrv_at_... imgsrv token create --name ci --role content-writer --expires 90d --output "
        "ci.token\n"
        "  imgsrv token list --token-file admin.token\n"
        "  imgsrv token revoke 0193e5a2-7c5e-7d2a-9d4b-0a4d2f0c1b11 --token-file admin.token\n\n" +
        exit_code_help());

    const auto add = [&](const char* name, const char* what, int (*run)(const TokenOptions&)) {
        auto options = std::make_shared<TokenOptions>();
        CLI::App* c = group->add_subcommand(name, what);
        if (run == run_token_create) {
            c->add_option("--name", options->name,
                          "The service that will use it; its principal is created if it does not exist")
                ->required()
                ->type_name("NAME");
            c->add_option("--role", options->roles,
                          "content-writer (publish images) or auth-manager (manage tokens); may be repeated")
                ->type_name("ROLE")
                ->allow_extra_args(false)
                ->capture_default_str();
            c->add_option("--expires", options->expires, "Duration from now, or a time such as 2026-12-31T00:00:00Z")
                ->type_name("WHEN")
                ->capture_default_str();
            c->add_option("--output", options->output, "Write the token to this file (mode 0600) instead of stdout")
                ->type_name("FILE");
        }
        if (run == run_token_revoke)
            c->add_option("token", options->id, "The token's id")->required()->type_name("TOKEN");
        add_command_options(*c, *options);
        c->callback([options, run, &exit_code] { exit_code = run(*options); });
    };
    add("create", "Create a token; it is shown only once", run_token_create);
    add("list", "List principals and their tokens", run_token_list);
    add("revoke", "Revoke a token at once", run_token_revoke);
}

}  // namespace imgsrv::client
