#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "http_fixture.h"

using namespace imgsrv;
using namespace imgsrv::test;
using namespace std::chrono_literals;

namespace {

long serial_of(const HttpClient& client) {
    X509* certificate = ::SSL_get1_peer_certificate(client.ssl());
    const long serial = ::ASN1_INTEGER_get(::X509_get0_serialNumber(certificate));
    ::X509_free(certificate);
    return serial;
}

}  // namespace

TEST_CASE("TLS 1.2 and 1.3 are supported, older versions are not") {
    HttpFixture fixture;
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        auto client = fixture.tls_client();
        REQUIRE(client.start_tls({version, "http/1.1"}));
        const unsigned char* protocol = nullptr;
        unsigned length = 0;
        ::SSL_get0_alpn_selected(client.ssl(), &protocol, &length);
        CHECK(std::string(reinterpret_cast<const char*>(protocol), length) == "http/1.1");
        client.send(get("/token?t=a") + get("/later/1?t=b", "Connection: close\r\n"));
        CHECK(client.reply().body == "token a\n");
        CHECK(client.reply().body == "token b\n");
        CHECK(client.ended());
        CHECK(::SSL_get_shutdown(client.ssl()) == SSL_RECEIVED_SHUTDOWN);  // the end was announced, not cut off
    }
    auto old = fixture.tls_client();
    CHECK_FALSE(old.start_tls({TLS1_1_VERSION, ""}));
    auto other = fixture.tls_client();
    CHECK_FALSE(other.start_tls({0, "h2"}));
}

TEST_CASE("bodies of every kind pass through TLS") {
    HttpFixture fixture;
    std::string content(5'000'000, ' ');
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>('a' + i % 23);
    fixture.folder.write("file", content);
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        auto client = fixture.tls_client();
        REQUIRE(client.start_tls({version, ""}));
        client.send(get("/img/file") + get("/stream/5000000") + get("/shared") + get("/small"));
        CHECK(client.reply().body == content);
        CHECK(client.reply().body == content);
        CHECK(client.reply().body == std::string(1024 * 1024, 's'));
        CHECK(client.reply().status == 200);
        client.send(with_body("PUT", "/up/x", content));
        CHECK(client.reply().body == "got 5000000\n");
        // The end of the body and the next request share a TLS record.
        client.send(with_body("PUT", "/up/x", "12345") + get("/token?t=same"));
        CHECK(client.reply().body == "got 5\n");
        CHECK(client.reply().body == "token same\n");
        client.send("PUT /up/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
        CHECK(client.some() == "HTTP/1.1 100 Continue\r\n\r\n");
        client.send("hello");
        CHECK(client.reply().body == "got 5\n");
    }
}

TEST_CASE("plain HTTP on the TLS port is dropped at once") {
    HttpFixture fixture;
    auto client = fixture.tls_client();
    client.send(get("/small"));
    CHECK(client.ended());
    CHECK(fixture.recorder.all().empty());
}

TEST_CASE("clients that do not finish the handshake harm nobody and are dropped") {
    http::Limits limits;
    limits.handshake_timeout = 600ms;
    HttpFixture fixture(limits);
    std::vector<HttpClient> hung;
    for (int i = 0; i < 100; ++i) {
        hung.push_back(fixture.tls_client());
        if (i % 2 == 0) hung.back().send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
    }
    for (int i = 0; i < 5; ++i) {
        auto client = fixture.tls_client();
        REQUIRE(client.start_tls());
        client.send(get("/small"));
        CHECK(client.reply().status == 200);
    }
    for (auto& client : hung) CHECK(client.ended());
}

TEST_CASE("certificates are replaced while the server runs") {
    HttpFixture fixture;
    auto before = fixture.tls_client();
    REQUIRE(before.start_tls());
    CHECK(serial_of(before) == 1);

    make_certificate(fixture.folder, 2);
    REQUIRE(fixture.server.reload_tls().ok());
    auto after = fixture.tls_client();
    REQUIRE(after.start_tls());
    CHECK(serial_of(after) == 2);
    before.send(get("/small"));
    CHECK(before.reply().status == 200);

    std::ofstream(fixture.certificate.key) << "no key\n";
    CHECK(fixture.server.reload_tls().code() == Code::invalid_argument);
    auto still = fixture.tls_client();
    REQUIRE(still.start_tls());
    CHECK(serial_of(still) == 2);
}
