#include <catch2/catch.hpp>

#include "s3_store.h"

using namespace imgsrv::test;
using namespace imgsrv::conformance;
using Catch::Contains;

namespace {

void round_trip(Options options) {
    Instance instance(s3_component(), s3_settings(options));
    Store store(instance);
    const Pattern pattern{7, (3 << 20) + 1};
    store.put(store.key("o"), pattern);
    store.expect_object(store.key("o"), {pattern});
    const auto id = store.mp_create(store.key("p"));
    store.mp_complete(store.key("p"), id, {store.mp_put_part(store.key("p"), id, 1, pattern)});
    store.expect_object(store.key("p"), {pattern});
}

}  // namespace

TEST_CASE("a certificate counts when its authority is given, and not otherwise") {
    const auto endpoint = s3_variable("IMGSRV_TEST_S3_TLS_ENDPOINT");
    CHECK_THAT(refusal({{"endpoint", endpoint}}), Contains("no trusted TLS connection") && Contains("'ca_file'"));
    const auto ca = s3_variable("IMGSRV_TEST_S3_CA");
    round_trip({{"endpoint", endpoint}, {"ca_file", ca}});
    // The certificate is for the address, not for this name of it.
    auto other = endpoint;
    other.replace(other.find("127.0.0.1"), 9, "localhost");
    CHECK_THAT(refusal({{"endpoint", other}, {"ca_file", ca}}), Contains("no trusted TLS connection"));
}

TEST_CASE("an endpoint without a scheme follows use_tls") {
    const auto plain = s3_variable("IMGSRV_TEST_S3_ENDPOINT").substr(7);
    round_trip({{"endpoint", plain}, {"use_tls", "false"}});
    CHECK_THAT(refusal({{"endpoint", plain}}), Contains("TLS"));
}

TEST_CASE("the bucket may stand before the host") {
    auto endpoint = s3_variable("IMGSRV_TEST_S3_ENDPOINT");
    endpoint.replace(endpoint.find("127.0.0.1"), 9, "localhost");
    round_trip({{"endpoint", endpoint}, {"path_style", "false"}});
}

TEST_CASE("bodies may be signed block by block") {
    round_trip({{"sign_payload", "true"}});
}
