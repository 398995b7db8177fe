#include <algorithm>

#include "config/settings.h"

namespace imgsrv::config {

const std::vector<KnownKey>& known_keys() {
    static const std::vector<KnownKey> kKeys = {
        {"listen", Kind::text, ":8080", "address of the plain HTTP listener; empty: none"},
        {"tls-listen", Kind::text, "", "address of the TLS listener; empty: none"},
        {"tls-certificate", Kind::text, "", "PEM file with the server's certificate chain"},
        {"tls-key", Kind::text, "", "PEM file with the server's private key"},
        {"trust-proxy", Kind::hops, "false",
         "trust X-Forwarded-For: false, true, or the number of proxies in front of the server"},
        {"rate-limit", Kind::integer, "1200", "requests per minute from each client address; 0: unlimited"},
        {"node-name", Kind::text, "", "name of this node in leases and logs; empty: the hostname"},
        {"data-dir", Kind::text, "/var/lib/imgsrv", "folder of the embedded database and object store"},
        {"plugin-dir", Kind::list, "", "plugin folders besides the one that comes with imgsrv"},
        {"shutdown-timeout", Kind::duration, "10s", "how long requests in flight may take after SIGTERM"},
        {"log-format", Kind::text, "text", "json or text"},
        {"log-file", Kind::text, "", "log file, reopened on SIGHUP; empty: stderr"},
        {"verbosity", Kind::text, "info", "trace, debug, info, warn, error or fatal"},
        {"metrics-listen", Kind::text, "127.0.0.1:9464", "address of the metrics listener; empty: none"},
        {"metrics-path", Kind::text, "/metrics", "path of the metrics"},
        {"metrics-on-api", Kind::boolean, "false", "also serve the metrics on the API's listeners"},
        {"upload-ttl", Kind::duration, "24h", "how long an upload session accepts parts"},
        {"cas-promotion-enabled", Kind::boolean, "true", "whether this node promotes completed uploads"},
        {"cas-promotion-poll-interval", Kind::duration, "5s", "interval between checks for completed uploads"},
        {"cas-promotion-error-backoff", Kind::duration, "5s", "pause after a failed promotion, doubled each time"},
        {"cas-promotion-error-backoff-max", Kind::duration, "1m", "longest pause after failed promotions"},
        {"cas-promotion-circuit-breaker-failures", Kind::integer, "10", "consecutive failures that open the breaker"},
        {"cas-promotion-circuit-breaker-cooldown", Kind::duration, "1m", "how long the breaker stays open"},
        {"gc-interval", Kind::duration, "1h",
         "interval between garbage collections, over all nodes; 0: never on this node"},
        {"gc-grace", Kind::duration, "24h", "how long a blob stays unreferenced before it is removed; at least 61m"},
        {"scrub-rate", Kind::size, "16MiB",
         "bytes per second that this node reads to find damaged blobs; 0: no scrubbing"},
        {"scrub-interval", Kind::duration, "168h", "how often each blob is read"},
        {"storage.driver", Kind::text, "fs", "the object store's driver"},
        {"database.driver", Kind::text, "sqlite", "the database's driver"},
        {"database.connections", Kind::integer, "16", "maximum number of connections to the database"},
        {"auth.drivers", Kind::list, "bearer", "authenticators, in the order in which they are asked"},
        {"publish.steps", Kind::list, "validate_catalog,incus_index,finalize_publish", "the publish pipeline"},
        {"publish.non-blocking", Kind::list, "", "steps of the pipeline that may fail without failing the job"},
    };
    return kKeys;
}

std::string_view default_of(std::string_view key) {
    const auto known = std::ranges::find(known_keys(), key, &KnownKey::key);
    return known == known_keys().end() ? "" : known->default_text;
}

}  // namespace imgsrv::config
