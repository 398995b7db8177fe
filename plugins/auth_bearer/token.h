#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace imgsrv::bearer {

// The prefix of every token, by which people, secret scanners and other authenticators recognise one.
inline constexpr std::string_view kPrefix = "imgsrv_at_";

// imgsrv_at_<id>_<secret>: the id as 32 hex digits, the secret as 64.
struct Token {
    std::string id;           // the host's token id, a UUID in the form 8-4-4-4-12
    std::string_view secret;  // borrowed from the text

    // None unless text has exactly this form, in lower case.
    static std::optional<Token> parse(std::string_view text);
};

// 32 bytes from OpenSSL's private random generator, as hex. Throws when it fails.
std::string new_secret();

// The text of a token. id is a UUID, with or without dashes; none when it is anything else.
std::optional<std::string> compose(std::string_view id, std::string_view secret);

// What may be stored of a secret: "sha256:<hex>". A plain hash is enough: against 256 random bits guessing is hopeless
// at any speed, so a slow, salted hash would protect nothing and cost every request its time.
std::string verifier_of(std::string_view secret);

// Takes the same time wherever the two differ. False also for a verifier of another form.
bool matches(std::string_view secret, std::string_view verifier);

}  // namespace imgsrv::bearer
