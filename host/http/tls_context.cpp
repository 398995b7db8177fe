#include "http/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <string_view>

namespace imgsrv::http {
namespace {

std::string openssl_reason() {
    std::array<char, 256> text{};
    ::ERR_error_string_n(::ERR_get_error(), text.data(), text.size());
    ::ERR_clear_error();
    return text.data();
}

// RFC 7301, section 3.2: a client that offers protocols, but not ours, is refused; one that offers none is served.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* offered,
                    unsigned int offered_length, void*) {
    static constexpr std::string_view kOurs = "\x08http/1.1";
    unsigned char* chosen = nullptr;
    const int found = ::SSL_select_next_proto(&chosen, out_length, reinterpret_cast<const unsigned char*>(kOurs.data()),
                                              kOurs.size(), offered, offered_length);
    if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

// Refuses an encrypted key: OpenSSL would ask for its pass phrase on the terminal, and a reload would hang there.
int refuse_passphrase(char*, int, int, void*) {
    return -1;
}

}  // namespace

Result<TlsContext> load_tls_context(const std::string& certificate_file, const std::string& key_file) {
    const auto refuse = [](std::string_view what, const std::string& file) {
        return Status(Code::invalid_argument, std::string(what) + " " + file + ": " + openssl_reason());
    };
    ::ERR_clear_error();
    TlsContext context(::SSL_CTX_new(::TLS_server_method()), ::SSL_CTX_free);
    if (!context) return Status(Code::internal, "cannot create a TLS context:  " + openssl_reason());
    SSL_CTX* const ctx = context.get();
    ::SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    ::SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    // Partial and moving writes allow reading a slow client's data again from its source; released buffers keep idle
    // connections small.
    ::SSL_CTX_set_mode(ctx,
                       SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    ::SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);  // tickets only: no state on the server
    ::SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, nullptr);
    ::SSL_CTX_set_default_passwd_cb(ctx, refuse_passphrase);
    if (::SSL_CTX_use_certificate_chain_file(ctx, certificate_file.c_str()) != 1)
        return refuse("the TLS certificate", certificate_file);
    if (::SSL_CTX_use_PrivateKey_file(ctx, key_file.c_str(), SSL_FILETYPE_PEM) != 1)
        return refuse("the TLS key", key_file);
    if (::SSL_CTX_check_private_key(ctx) != 1) return refuse("the TLS key does not match the certificate", key_file);
    return context;
}

}  // namespace imgsrv::http
