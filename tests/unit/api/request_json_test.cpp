#include "api/request_json.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "../text_reader.h"

using namespace imgsrv;
using namespace imgsrv::api;

namespace {

Result<RequestJson> parse(const std::string& text, const char* type = "application/json") {
    http::Request request;
    if (type) request.headers.add("Content-Type", type);
    request.has_body = true;
    request.content_length = text.size();
    request.body = std::make_unique<test::TextReader>(text);
    return RequestJson::read(request, 1000, {"name", "size", "parts", "attributes"});
}

std::string complaint(const Status& status) {
    CHECK(status.code() == Code::invalid_argument);
    return std::string(status.message());
}

}  // namespace

TEST_CASE("members of a request") {
    auto json = parse(R"({"name":"x","size":5,"attributes":{"a":1},"parts":[{"name":"p"}]})",
                      "Application/JSON; charset=utf-8");
    REQUIRE(json.ok());
    CHECK(*json->string("name") == "x");
    CHECK(*json->integer("size") == 5);
    CHECK(**json->optional_object("attributes") == R"({"a":1})");
    auto parts = json->objects("parts", 10, {"name"});
    REQUIRE(parts.ok());
    CHECK(*parts->front().string("name") == "p");
    CHECK_FALSE(json->optional_string("nothing")->has_value());
}

TEST_CASE("errors name the member") {
    CHECK(complaint(parse("{\"name\"").status()).find("line 1, column") != std::string::npos);
    CHECK(complaint(parse("[1]").status()) == "the body must be a JSON object, but is an array");
    CHECK(complaint(parse(R"({"nmae":1})").status()) == "unknown member 'nmae'; did you mean 'name'?");
    CHECK(complaint(parse(R"({"zzzzzzz":1})").status()).find("the members are name, size") != std::string::npos);
    CHECK(complaint(parse("{}")->string("name").status()) == "the member 'name' is missing");
    CHECK(complaint(parse(R"({"name":null})")->string("name").status()) == "the member 'name' is missing");
    CHECK(complaint(parse(R"({"name":5})")->string("name").status()) == "name must be a string, but is a number");
    CHECK(complaint(parse(R"({"size":"5"})")->integer("size").status()) == "size must be an integer, but is a string");
    CHECK(complaint(parse(R"({"size":1.5})")->integer("size").status()).find("fraction") != std::string::npos);
    CHECK(complaint(parse(R"({"size":9223372036854775808})")->integer("size").status()).find("9223372036854775807") !=
          std::string::npos);
    CHECK(complaint(parse(R"({"parts":[{"name":"a"},5]})")->objects("parts", 10, {"name"}).status()) ==
          "parts[1] must be an object, but is a number");
    CHECK(complaint(parse(R"({"parts":[{"nam":"a"}]})")->objects("parts", 10, {"name"}).status())
              .find("'parts[0].nam'") != std::string::npos);
    CHECK(complaint(parse(R"({"parts":[{},{}]})")->objects("parts", 1, {"name"}).status()) ==
          "parts has 2 elements, at most 1 are allowed");
}

TEST_CASE("other media types and long bodies are refused") {
    CHECK(parse("{}", "text/plain").status().code() == Code::unsupported_media_type);
    CHECK(parse("{}", nullptr).status().code() == Code::unsupported_media_type);
    CHECK(parse("{\"name\":\"" + std::string(1000, 'x') + "\"}").status().code() == Code::too_large);
}
