#include "http_fixture.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace imgsrv::test {

void Recorder::on_access(const http::AccessRecord& record) {
    const std::lock_guard lock(mutex_);
    seen_.push_back({record.request->method, record.request->target, std::string(record.request->route),
                     record.request->request_id, record.status, record.bytes_in, record.bytes_out, record.completed});
}

std::vector<Seen> Recorder::all() const {
    const std::lock_guard lock(mutex_);
    return seen_;
}

Seen Recorder::wait_for(std::size_t count) const {
    REQUIRE(eventually([&] { return all().size() >= count; }));
    return all()[count - 1];
}

TemporaryFolder::TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "imgsrv-http-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::write(const std::string& name, std::string_view content) const {
    std::string path = path_ + "/" + name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
}

bool eventually(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

CertificateFiles make_certificate(const TemporaryFolder& folder, long serial) {
    EVP_PKEY* key = ::EVP_EC_gen("P-256");
    X509* certificate = ::X509_new();
    ::X509_set_version(certificate, 2);
    ::ASN1_INTEGER_set(::X509_get_serialNumber(certificate), serial);
    ::X509_gmtime_adj(::X509_getm_notBefore(certificate), -60);
    ::X509_gmtime_adj(::X509_getm_notAfter(certificate), 24L * 3600);
    X509_NAME* name = ::X509_get_subject_name(certificate);
    ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"), -1, -1,
                                 0);
    ::X509_set_issuer_name(certificate, name);
    ::X509_set_pubkey(certificate, key);
    REQUIRE(::X509_sign(certificate, key, ::EVP_sha256()) > 0);
    CertificateFiles files{folder.path() + "/server.pem", folder.path() + "/server.key"};
    FILE* out = std::fopen(files.certificate.c_str(), "w");
    ::PEM_write_X509(out, certificate);
    std::fclose(out);
    out = std::fopen(files.key.c_str(), "w");
    ::PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
    ::X509_free(certificate);
    ::EVP_PKEY_free(key);
    return files;
}

HttpFixture::HttpFixture(const http::Limits& limits)
    : router(fixture_routes(state)), certificate(make_certificate(folder, 1)), server(router, limits, &recorder) {
    state.files = folder.path();
    REQUIRE(server.listen({"127.0.0.1:0", "", ""}).ok());
    REQUIRE(server.listen({"127.0.0.1:0", certificate.certificate, certificate.key}).ok());
    REQUIRE(server.start().ok());
    address = server.addresses().at(0);
    tls_address = server.addresses().at(1);
}

}  // namespace imgsrv::test
