#pragma once

#include <memory>
#include <string>

#include "core/status.h"

using SSL_CTX = struct ssl_ctx_st;

namespace imgsrv::http {

using TlsContext = std::shared_ptr<SSL_CTX>;

// A server context for TLS 1.2 and 1.3 with ALPN "http/1.1", from a PEM certificate chain and its key.
// invalid_argument when a file cannot be read or the key does not match the certificate.
Result<TlsContext> load_tls_context(const std::string& certificate_file, const std::string& key_file);

}  // namespace imgsrv::http
