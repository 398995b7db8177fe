#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

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

TEST_CASE("a certificate is trusted only if its authority is given") {
    const auto endpoint = s3_variable("IMGSRV_TEST_S3_TLS_ENDPOINT");
    CHECK_THAT(refusal({{"endpoint", endpoint}}),
               Contains("cannot make a trusted TLS connection") && Contains("'ca_file'"));
    const auto ca = s3_variable("IMGSRV_TEST_S3_CA");
    round_trip({{"endpoint", endpoint}, {"ca_file", ca}});
    // The certificate is for the address, not for this name of it.
    auto other = endpoint;
    other.replace(other.find("127.0.0.1"), 9, "localhost");
    CHECK_THAT(refusal({{"endpoint", other}, {"ca_file", ca}}), Contains("cannot make a trusted TLS connection"));
}

TEST_CASE("a store that ends the handshake is unavailable, not misconfigured") {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener, 16) == 0);
    REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    std::thread server([&] {
        for (int peer; (peer = ::accept(listener, nullptr, nullptr)) >= 0; ::close(peer)) continue;
    });
    const auto endpoint = "https://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    CHECK(refusal({{"endpoint", endpoint}}).empty());
    ::shutdown(listener, SHUT_RDWR);
    server.join();
    ::close(listener);
}

TEST_CASE("an endpoint without a scheme follows use_tls") {
    const auto plain = s3_variable("IMGSRV_TEST_S3_ENDPOINT").substr(7);
    round_trip({{"endpoint", plain}, {"use_tls", "false"}});
    CHECK_THAT(refusal({{"endpoint", plain}}), Contains("TLS"));
}

TEST_CASE("the bucket may be part of the host name") {
    auto endpoint = s3_variable("IMGSRV_TEST_S3_ENDPOINT");
    endpoint.replace(endpoint.find("127.0.0.1"), 9, "localhost");
    round_trip({{"endpoint", endpoint}, {"path_style", "false"}});
}

TEST_CASE("bodies may be signed block by block") {
    round_trip({{"sign_payload", "true"}});
}
