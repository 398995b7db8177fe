#include "answers.h"

#include <catch2/catch.hpp>
#include <imgsrv/imgsrv.hpp>

using namespace imgsrv::s3;

TEST_CASE("an error is found behind blanks and a declaration") {
    const auto error = parse_error(
        "  \n \r\n<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>InternalError</Code>"
        "<Message>We encountered an internal error.</Message><Region>eu-west-1</Region></Error>");
    REQUIRE(error);
    CHECK(error->code == "InternalError");
    CHECK(error->message == "We encountered an internal error.");
    CHECK(error->region == "eu-west-1");
}

TEST_CASE("what is no error is none") {
    for (const char* text : {"", "   ", "<html><body>502 Bad Gateway</body></html>", "<Error", "Error",
                             "<CompleteMultipartUploadResult><ETag>\"1\"</ETag></CompleteMultipartUploadResult>"})
        CHECK_FALSE(parse_error(text));
}

TEST_CASE("a list of objects is read") {
    const auto page = parse_object_page(
        "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><IsTruncated>true</IsTruncated>"
        "<Contents><Key>a&amp;b</Key><LastModified>2009-10-12T17:50:30.250Z</LastModified>"
        "<ETag>&quot;fba9dede5f27731c9771645a39863328&quot;</ETag><Size>434234</Size></Contents>"
        "<Contents><Key>c</Key><ETag>bare-2</ETag><Size>18446744073709551615</Size></Contents></ListBucketResult>");
    REQUIRE(page.objects.size() == 2);
    CHECK(page.more);
    CHECK(page.objects[0].key == "a&b");
    CHECK(page.objects[0].etag == "fba9dede5f27731c9771645a39863328");
    CHECK(page.objects[0].size == 434234);
    CHECK(page.objects[0].mtime_us == 1255369830250000);
    CHECK(page.objects[1].etag == "bare-2");
    CHECK(page.objects[1].size == UINT64_MAX);
}

TEST_CASE("lists of parts and of uploads tell where to go on") {
    const auto parts = parse_part_page(
        "<ListPartsResult><NextPartNumberMarker>3</NextPartNumberMarker><IsTruncated>true</IsTruncated>"
        "<Part><PartNumber>3</PartNumber><ETag>\"e\"</ETag><Size>7</Size></Part></ListPartsResult>");
    REQUIRE(parts.parts.size() == 1);
    CHECK(parts.more);
    CHECK(parts.parts[0].number == 3);
    CHECK(parts.parts[0].etag == "e");
    const auto uploads = parse_upload_page(
        "<ListMultipartUploadsResult><NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>"
        "<IsTruncated>false</IsTruncated><Upload><Key>k</Key><UploadId>u</UploadId>"
        "<Initiated>2010-11-10T20:48:33.000Z</Initiated></Upload></ListMultipartUploadsResult>");
    REQUIRE(uploads.uploads.size() == 1);
    CHECK_FALSE(uploads.more);
    CHECK(uploads.next_key_marker == "k");
    CHECK(uploads.next_upload_id_marker == "u");
    CHECK(uploads.uploads[0].created_us == 1289422113000000);
}

TEST_CASE("another document in the place of an answer is a failure that may pass") {
    for (const char* text : {"", "<html/>", "<ListBucketResult>", "<ListPartsResult/>"}) {
        try {
            parse_object_page(text);
            FAIL("was taken for a list");
        } catch (const imgsrv::sdk::Failure& failure) {
            CHECK(failure.code == IMGSRV_UNAVAILABLE);
            CHECK(failure.retryable);
        }
    }
    CHECK_THROWS(parse_upload_id("<InitiateMultipartUploadResult><UploadId/></InitiateMultipartUploadResult>"));
}

TEST_CASE("times of both kinds are read") {
    CHECK(parse_iso_time_us("2013-05-24T00:00:00.000Z") == 1369353600000000);
    CHECK(parse_iso_time_us("2013-05-24T00:00:00Z") == 1369353600000000);
    CHECK(parse_iso_time_us("yesterday") == 0);
    CHECK(parse_http_time_us("Fri, 24 May 2013 00:00:00 GMT") == 1369353600000000);
    CHECK(parse_http_time_us("") == 0);
    CHECK(parse_http_time_us("Fri, 24 Mai 2013 00:00:00 GMT") == 0);
}

TEST_CASE("a completion names parts in their order") {
    CHECK(completion_document({{1, 5, "aa"}, {7, 6, "bb"}}) ==
          "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
          "<Part><PartNumber>1</PartNumber><ETag>&quot;aa&quot;</ETag></Part>"
          "<Part><PartNumber>7</PartNumber><ETag>&quot;bb&quot;</ETag></Part></CompleteMultipartUpload>");
}
