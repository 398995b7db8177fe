#include <imgsrv/imgsrv.hpp>

#include "store.h"

namespace {

namespace sdk = imgsrv::sdk;

constexpr sdk::OptionList kOptions{
    sdk::required_text_option("endpoint", "Where the store is: https://s3.example.org, or host:port with use_tls"),
    sdk::required_text_option("bucket",
                              "The bucket, which must exist; the plugin keeps objects of its own under ~imgsrv/"),
    sdk::text_option("region", "us-east-1", "The bucket's region; the default suits stores without regions"),
    sdk::boolean_option("use_tls", "true", "Whether an endpoint without http:// or https:// is reached over TLS"),
    sdk::boolean_option("path_style", "true",
                        "true: https://host/bucket/key, which most on-premises stores need; false: "
                        "https://bucket.host/key"),
    sdk::text_option("access_key_id", nullptr,
                     "The access key; without it, keys come from credentials_file, or from the variables "
                     "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"),
    sdk::secret_option("secret_access_key", "The secret of the access key"),
    sdk::secret_option("session_token", "The session token of temporary credentials"),
    sdk::text_option("credentials_file", nullptr,
                     "A credentials file as AWS's tools write it (~/.aws/credentials); read again when it changes"),
    sdk::text_option("credentials_profile", "default", "The section of the credentials file"),
    sdk::text_option("ca_file", nullptr, "PEM file with the authorities trusted for TLS; without it, the system's"),
    sdk::duration_option("connect_timeout", "5s", "How long connecting may take, TLS included"),
    sdk::duration_option("inactivity_timeout", "30s", "How long a transfer may stall"),
    sdk::duration_option("request_timeout", "30s", "How long a request without a large body may take"),
    sdk::duration_option("copy_timeout", "15m", "How long the store may copy or join bytes before it answers"),
    sdk::integer_option("attempts", "4", "How often a request that may be repeated is sent before it fails"),
    sdk::integer_option("idle_connections", "32", "Connections kept for reuse"),
    sdk::boolean_option("sign_payload", "false",
                        "Sign large bodies block by block, for stores reached without TLS; the "
                        "store must support it. Otherwise the answer's etag proves them"),
    sdk::text_option("spool_folder", "/var/tmp",
                     "Folder on a disk where bodies of unknown size are collected before they are sent"),
};

}  // namespace

IMGSRV_PLUGIN("org.imgsrv.object_store.s3", "1.0.0", "imgsrv", "Apache-2.0",
              sdk::object_store<imgsrv::s3::Store>("s3", kOptions.data()));
