#include "http/admission.h"

#include <catch2/catch.hpp>

using namespace imgsrv::http;

namespace {

struct Judged {
    Request request;
    Admission admission;
    int status() const { return admission.answer ? admission.answer->status : 0; }
};

Judged judge(const std::string& head) {
    static const Router kRouter = [] {
        Router r;
        const auto handler = [](Request&) { return Response(); };
        r.add({Method::get, "/thing/{id}", BodyKind::none, handler, {}});
        r.add({Method::post, "/thing", BodyKind::document, handler, {}});
        r.add({Method::put, "/blob", BodyKind::streaming, handler, {}});
        return r;
    }();
    Limits limits;
    limits.document_bytes = 100;
    limits.part_bytes = 1000;
    Judged judged;
    Framing framing;
    REQUIRE_FALSE(parse_head(head, judged.request, framing));
    judged.admission = admit(judged.request, framing, kRouter, limits);
    return judged;
}

std::string head(const std::string& method, const std::string& target, const std::string& fields = "") {
    return method + " " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

}  // namespace

TEST_CASE("a request that fits its route is admitted") {
    const auto judged = judge(head("GET", "/thing/a%20b"));
    REQUIRE(judged.admission.route != nullptr);
    CHECK(judged.request.route == "/thing/{id}");
    CHECK(judged.request.param("id") == "a b");
    CHECK(judge(head("POST", "/thing", "Content-Length: 100\r\n")).admission.route != nullptr);
    CHECK(judge(head("PUT", "/blob", "Transfer-Encoding: chunked\r\n")).admission.route != nullptr);
}

TEST_CASE("methods and paths that no route has") {
    CHECK(judge(head("GET", "/none")).status() == 404);
    const auto wrong = judge(head("DELETE", "/thing/1"));
    CHECK(wrong.status() == 405);
    CHECK(*wrong.admission.answer->headers.find("Allow") == "GET, HEAD");
    CHECK(judge(head("PATCH", "/thing/1")).status() == 405);
    CHECK(judge(head("PATCH", "/none")).status() == 404);
    CHECK(judge(head("CONNECT", "a:443")).status() == 405);
    CHECK(judge(head("BREW", "/thing/1")).status() == 501);
    CHECK(judge(head("get", "/thing/1")).status() == 501);
    CHECK(judge(head("GET", "/%00")).status() == 400);
}

TEST_CASE("OPTIONS lists the methods of a path") {
    const auto one = judge(head("OPTIONS", "/thing"));
    CHECK(one.status() == 204);
    CHECK(*one.admission.answer->headers.find("Allow") == "POST, OPTIONS");
    CHECK(judge(head("OPTIONS", "*")).status() == 204);
    CHECK(judge(head("OPTIONS", "/none")).status() == 404);
}

TEST_CASE("bodies are checked before they are read") {
    CHECK(judge(head("GET", "/thing/1", "Content-Length: 1\r\n")).status() == 400);
    CHECK(judge(head("GET", "/thing/1", "Transfer-Encoding: chunked\r\n")).status() == 400);
    CHECK(judge(head("GET", "/thing/1", "Content-Length: 0\r\n")).status() == 0);
    CHECK(judge(head("POST", "/thing", "Content-Length: 101\r\n")).status() == 413);
    CHECK(judge(head("PUT", "/blob", "Content-Length: 1001\r\n")).status() == 413);
    CHECK(judge(head("PUT", "/blob", "Content-Length: 1000\r\n")).status() == 0);
}
