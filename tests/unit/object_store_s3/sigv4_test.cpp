#include "sigv4.h"

#include <catch2/catch.hpp>

using namespace imgsrv::s3;
using namespace std::chrono_literals;

// The examples of the Amazon S3 API reference, "Signature Calculations for the Authorization Header" (a payload in one
// piece, and in chunks), and AWS's Signature Version 4 test suite.
namespace {

const Credentials kReference{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};
constexpr auto kReferenceTime = std::chrono::sys_days{std::chrono::year{2013} / 5 / 24} + 0s;
const Credentials kSuite{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};
constexpr auto kSuiteTime = std::chrono::sys_days{std::chrono::year{2015} / 8 / 30} + 12h + 36min;

std::string reference_signature(std::string method, std::string path, const QueryParameters& query,
                                const std::string& payload, std::map<std::string, std::string> headers = {}) {
    const Signer signer(kReference, "us-east-1", "s3", kReferenceTime);
    headers["host"] = "examplebucket.s3.amazonaws.com";
    headers["x-amz-date"] = signer.timestamp();
    headers["x-amz-content-sha256"] = sha256_hex(payload);
    return signer.signature({std::move(method), percent_encode(path, true), canonical_query(query), std::move(headers),
                             sha256_hex(payload)});
}

std::string suite_signature(std::string method, std::string path, const QueryParameters& query,
                            std::map<std::string, std::string> headers = {}, const std::string& payload = "") {
    const Signer signer(kSuite, "us-east-1", "service", kSuiteTime);
    headers["host"] = "example.amazonaws.com";
    headers["x-amz-date"] = signer.timestamp();
    return signer.signature({std::move(method), percent_encode(path, true), canonical_query(query), std::move(headers),
                             sha256_hex(payload)});
}

}  // namespace

TEST_CASE("signatures are those of the S3 reference") {
    CHECK(reference_signature("GET", "/test.txt", {}, "", {{"range", "bytes=0-9"}}) ==
          "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    CHECK(reference_signature(
              "PUT", "/test$file.text", {}, "Welcome to Amazon S3.",
              {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}) ==
          "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
    CHECK(reference_signature("GET", "/", {{"lifecycle", ""}}, "") ==
          "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    CHECK(reference_signature("GET", "/", {{"prefix", "J"}, {"max-keys", "2"}}, "") ==
          "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST_CASE("signatures are those of the test suite") {
    CHECK(suite_signature("GET", "/", {}) == "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    CHECK(suite_signature("POST", "/", {}) == "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
    CHECK(suite_signature("GET", "/", {{"Param2", "value2"}, {"Param1", "value1"}}) ==
          "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
    CHECK(suite_signature("GET", "/", {{"Param1", "value1"}}) ==
          "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb");
    CHECK(suite_signature("GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", {}) ==
          "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f");
    CHECK(suite_signature("GET", "/\xE1\x88\xB4", {}) ==
          "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85");
    CHECK(suite_signature("GET", "/", {{"\xE1\x88\xB4", "bar"}}) ==
          "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04");
    CHECK(suite_signature("GET", "/", {}, {{"my-header1", " value1"}, {"my-header2", " \"a   b   c\""}}) ==
          "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
    CHECK(suite_signature("POST", "/", {}, {{"content-type", "application/x-www-form-urlencoded"}}, "Param1=value1") ==
          "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
}

TEST_CASE("the header names key, scope and signed headers") {
    const Signer signer(kSuite, "us-east-1", "service", kSuiteTime);
    const SignedRequest request{
        "GET", "/", "", {{"host", "example.amazonaws.com"}, {"x-amz-date", signer.timestamp()}}, sha256_hex("")};
    CHECK(signer.timestamp() == "20150830T123600Z");
    CHECK(signer.authorization(request) ==
          "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
          "SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST_CASE("chunks are signed as in the S3 reference") {
    const Signer signer(kReference, "us-east-1", "s3", kReferenceTime);
    const SignedRequest request{"PUT",
                                "/examplebucket/chunkObject.txt",
                                "",
                                {{"host", "s3.amazonaws.com"},
                                 {"x-amz-date", signer.timestamp()},
                                 {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                                 {"x-amz-content-sha256", std::string(kStreamingPayload)},
                                 {"content-encoding", "aws-chunked"},
                                 {"x-amz-decoded-content-length", "66560"},
                                 {"content-length", "66824"}},
                                std::string(kStreamingPayload)};
    const auto seed = signer.signature(request);
    CHECK(seed == "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
    const auto first = signer.chunk_signature(seed, sha256_hex(std::string(65536, 'a')));
    CHECK(first == "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
    const auto second = signer.chunk_signature(first, sha256_hex(std::string(1024, 'a')));
    CHECK(second == "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497");
    CHECK(signer.chunk_signature(second, sha256_hex("")) ==
          "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");
}

TEST_CASE("text is encoded once, byte by byte") {
    CHECK(percent_encode("a/b c+d~:\xC3\xBC%", true) == "a/b%20c%2Bd~%3A%C3%BC%25");
    CHECK(percent_encode("a/b", false) == "a%2Fb");
    CHECK(canonical_query({{"b", ""}, {"a", "2"}, {"a", "1"}, {"A", "x&y"}}) == "A=x%26y&a=1&a=2&b=");
}
