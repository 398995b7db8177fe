#include <catch2/catch.hpp>
#include <cstdlib>

#include "s3_store.h"

using namespace imgsrv::test;
using namespace imgsrv::conformance;
using Catch::Contains;

// What Ceph refuses, in words for the person who has to fix it.

TEST_CASE("a wrong secret key is distinguished from an unknown access key") {
    const auto secret = refusal({{"secret_access_key", "geheim"}});
    CHECK_THAT(secret, Contains("secret key does not belong to the access key") && Contains("SignatureDoesNotMatch"));
    CHECK_THAT(secret, !Contains("geheim"));
    const auto id = refusal({{"access_key_id", "NOBODY"}});
    CHECK_THAT(id, Contains("does not know the access key") && Contains("'access_key_id'"));
}

TEST_CASE("a missing bucket is named") {
    const auto text = refusal({{"bucket", "nothing-here"}});
    CHECK_THAT(text, Contains("bucket 'nothing-here' at http://127.0.0.1") && Contains("there is no such bucket"));
}

TEST_CASE("credentials without the right to use the bucket are told what they need") {
    const auto text = refusal({{"access_key_id", s3_variable("IMGSRV_TEST_S3_OTHER_ACCESS_KEY")},
                               {"secret_access_key", s3_variable("IMGSRV_TEST_S3_OTHER_SECRET_KEY")}});
    CHECK_THAT(text, Contains("not allowed") && Contains("s3:PutObject") && Contains("AccessDenied"));
}

TEST_CASE("TLS to a port that speaks none is refused") {
    auto endpoint = s3_variable("IMGSRV_TEST_S3_ENDPOINT");
    endpoint.replace(0, 4, "https");
    CHECK_THAT(refusal({{"endpoint", endpoint}}), Contains("TLS"));
}

TEST_CASE("a host that is unknown, or does not answer, is waited for and shows in health") {
    imgsrv_error error{};
    const Instance unknown(s3_component(), s3_settings({{"endpoint", "http://no-such-host.invalid:7480"}}));
    CHECK(health(unknown, error) == IMGSRV_UNAVAILABLE);
    CHECK_THAT(error.message,
               Contains("no-such-host.invalid") && Contains("cannot be resolved") && Contains("'endpoint'"));
    CHECK((error.flags & IMGSRV_ERR_RETRYABLE) != 0);

    Instance absent(s3_component(), s3_settings({{"endpoint", "http://127.0.0.1:1"}}));
    CHECK(health(absent, error) == IMGSRV_UNAVAILABLE);
    CHECK_THAT(error.message, Contains("http://127.0.0.1:1") && Contains("cannot connect"));
    Store store(absent);
    CHECK(store.stat("key", nullptr, &error) == IMGSRV_UNAVAILABLE);
    Body body({1, 10});
    CHECK(store.put("key", body, 0, nullptr, &error) == IMGSRV_UNAVAILABLE);
}

TEST_CASE("a bucket that is gone is not taken for missing objects") {
    const auto bucket = [](const char* method) {
        const auto command = std::string("curl -fsS -o /dev/null --aws-sigv4 aws:amz:us-east-1:s3 -X ") + method +
                             " -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' --user " +
                             s3_variable("IMGSRV_TEST_S3_ACCESS_KEY") + ":" + s3_variable("IMGSRV_TEST_S3_SECRET_KEY") +
                             " " + s3_variable("IMGSRV_TEST_S3_ENDPOINT") + "/vanishing";
        REQUIRE(std::system(command.c_str()) == 0);
    };
    bucket("PUT");
    Instance instance(s3_component(), s3_settings({{"bucket", "vanishing"}}));
    imgsrv_error error{};
    {
        Store store(instance);
        CHECK(store.stat(store.key("o"), nullptr, &error) == IMGSRV_NOT_FOUND);
        bucket("DELETE");
        Stream stream;
        CHECK(store.stat(store.key("o"), nullptr, &error) == IMGSRV_UNAVAILABLE);
        CHECK_THAT(error.message, Contains("no such bucket"));
        CHECK(store.open(store.key("o"), {}, 0, -1, &stream, nullptr, &error) == IMGSRV_UNAVAILABLE);
        CHECK(store.remove(store.key("o"), &error) == IMGSRV_UNAVAILABLE);
    }
    CHECK(health(instance, error) == IMGSRV_UNAVAILABLE);
}

TEST_CASE("contradictory options are refused before any request") {
    CHECK_THAT(refusal({{"secret_access_key", ""}}),
               Contains("'access_key_id' is set, option 'secret_access_key' is not"));
    CHECK_THAT(refusal({{"access_key_id", ""}, {"secret_access_key", ""}}), Contains("there are no credentials"));
    CHECK_THAT(refusal({{"endpoint", "ftp://127.0.0.1"}}), Contains("ftp://"));
    CHECK_THAT(refusal({{"path_style", "false"}}), Contains("'path_style'"));
    CHECK_THAT(refusal({{"connect_timeout", "0s"}}), Contains("'connect_timeout'"));
    CHECK_THAT(refusal({{"ca_file", "/no/such/file"}}), Contains("'ca_file'"));
}
