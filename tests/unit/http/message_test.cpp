#include "http/message.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "../text_reader.h"

using namespace imgsrv;

namespace {

http::Request with_body(const std::string& text, bool known_length) {
    http::Request request;
    request.has_body = true;
    if (known_length) request.content_length = text.size();
    request.body = std::make_unique<test::TextReader>(text);
    return request;
}

}  // namespace

TEST_CASE("field names ignore case, and repeated fields join") {
    http::Headers headers;
    headers.add("Accept", "a");
    headers.add("ACCEPT", "b");
    headers.add("Host", "h");
    CHECK(*headers.find("accept") == "a");
    CHECK(headers.joined("Accept") == "a, b");
    CHECK(headers.joined("None").empty());
    headers.set("accept", "c");
    CHECK(headers.joined("Accept") == "c");
    CHECK(headers.all().size() == 2);
    CHECK(headers.find("None") == nullptr);
}

TEST_CASE("query values are found and decoded") {
    http::Request request;
    request.query = "limit=10&after=a%2Bb+c&flag&limit=20&empty=&na%6De=x&=y";
    CHECK(**request.query_value("limit") == "10");
    CHECK(**request.query_value("after") == "a+b c");
    CHECK((*request.query_value("flag"))->empty());
    CHECK((*request.query_value("empty"))->empty());
    CHECK(**request.query_value("name") == "x");
    CHECK_FALSE(request.query_value("none").value());
    request.query = "a=%zz&b=%ff&c=%00";
    for (const char* name : {"a", "b", "c"}) CHECK(request.query_value(name).status().code() == Code::invalid_argument);
}

TEST_CASE("a body is read up to its limit and not beyond") {
    const std::string text(1000, 'x');
    for (const bool known : {true, false}) {
        INFO("length known: " << known);
        auto fits = with_body(text, known);
        CHECK(*fits.read_body(1000) == text);
        auto over = with_body(text, known);
        CHECK(over.read_body(999).status().code() == Code::too_large);
        auto empty = with_body("", known);
        CHECK(empty.read_body(0)->empty());
    }
}
