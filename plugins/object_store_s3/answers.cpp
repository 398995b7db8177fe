#include "answers.h"

#include <ctime>
#include <imgsrv/imgsrv.hpp>
#include <pugixml.hpp>

namespace imgsrv::s3 {
namespace {

namespace sdk = imgsrv::sdk;

// The root element, or an empty node.
pugi::xml_node parse(pugi::xml_document& document, std::string_view xml) {
    const auto begin = xml.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos) return {};
    xml.remove_prefix(begin);
    if (!document.load_buffer(xml.data(), xml.size())) return {};
    return document.document_element();
}

pugi::xml_node expect(pugi::xml_document& document, std::string_view xml, const char* name) {
    const auto root = parse(document, xml);
    if (std::string_view(root.name()) != name)
        throw sdk::Failure(IMGSRV_UNAVAILABLE, std::string("the object store's answer is not a ") + name)
            .with_retryable();
    return root;
}

std::string text(pugi::xml_node parent, const char* name) {
    return parent.child_value(name);
}

// Appends what each element of this name holds; whether there are more pages.
template <class Entry, class Read>
bool read_page(pugi::xml_node root, const char* name, std::vector<Entry>& entries, Read read) {
    for (const auto element : root.children(name)) entries.push_back(read(element));
    return text(root, "IsTruncated") == "true";
}

// Throws unless a change was carried out, as only the whole document says.
void expect_done(std::string_view xml, const char* name) {
    pugi::xml_document document;
    if (std::string_view(parse(document, xml).name()) == name) return;
    throw sdk::Failure(IMGSRV_UNAVAILABLE, std::string("the object store's answer is not a ") + name)
        .with_retryable()
        .with_outcome_unknown();
}

std::int64_t in_us(std::tm& utc) {
    return static_cast<std::int64_t>(::timegm(&utc)) * 1'000'000;
}

}  // namespace

std::optional<ErrorDocument> parse_error(std::string_view xml) {
    pugi::xml_document document;
    const auto root = parse(document, xml);
    if (std::string_view(root.name()) != "Error") return std::nullopt;
    return ErrorDocument{text(root, "Code"), text(root, "Message"), text(root, "Region"), text(root, "ServerTime")};
}

ObjectPage parse_object_page(std::string_view xml) {
    pugi::xml_document document;
    ObjectPage page;
    page.more = read_page(expect(document, xml, "ListBucketResult"), "Contents", page.objects, [](auto object) {
        return ListedObject{text(object, "Key"), bare_etag(object.child_value("ETag")),
                            object.child("Size").text().as_ullong(),
                            parse_iso_time_us(object.child_value("LastModified"))};
    });
    return page;
}

PartPage parse_part_page(std::string_view xml) {
    pugi::xml_document document;
    PartPage page;
    page.more = read_page(expect(document, xml, "ListPartsResult"), "Part", page.parts, [](auto part) {
        return ListedPart{part.child("PartNumber").text().as_uint(), part.child("Size").text().as_ullong(),
                          bare_etag(part.child_value("ETag"))};
    });
    return page;
}

UploadPage parse_upload_page(std::string_view xml) {
    pugi::xml_document document;
    const auto root = expect(document, xml, "ListMultipartUploadsResult");
    UploadPage page;
    page.more = read_page(root, "Upload", page.uploads, [](auto upload) {
        return ListedUpload{text(upload, "Key"), text(upload, "UploadId"),
                            parse_iso_time_us(upload.child_value("Initiated"))};
    });
    page.next_key_marker = text(root, "NextKeyMarker");
    page.next_upload_id_marker = text(root, "NextUploadIdMarker");
    return page;
}

std::string parse_upload_id(std::string_view xml) {
    pugi::xml_document document;
    const auto root = expect(document, xml, "InitiateMultipartUploadResult");
    auto id = text(root, "UploadId");
    if (id.empty())
        throw sdk::Failure(IMGSRV_UNAVAILABLE, "the object store began an upload without an id").with_retryable();
    return id;
}

std::string parse_copied_part(std::string_view xml) {
    pugi::xml_document document;
    return bare_etag(expect(document, xml, "CopyPartResult").child_value("ETag"));
}

void expect_copied(std::string_view xml) {
    expect_done(xml, "CopyObjectResult");
}

void expect_completed(std::string_view xml) {
    expect_done(xml, "CompleteMultipartUploadResult");
}

std::string completion_document(const std::vector<ListedPart>& parts) {
    std::string out = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
    for (const auto& part : parts) {
        out.append("<Part><PartNumber>").append(std::to_string(part.number)).append("</PartNumber><ETag>&quot;");
        out.append(part.etag).append("&quot;</ETag></Part>");
    }
    return out.append("</CompleteMultipartUpload>");
}

std::string bare_etag(std::string_view etag) {
    if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
    return std::string(etag);
}

std::int64_t parse_iso_time_us(std::string_view text) {
    std::tm utc{};
    const std::string copy(text);
    const char* rest = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
    if (rest == nullptr) return 0;
    std::int64_t fraction = 0;
    if (*rest == '.') {
        std::int64_t unit = 100'000;
        for (++rest; *rest >= '0' && *rest <= '9'; ++rest, unit /= 10) fraction += (*rest - '0') * unit;
    }
    return in_us(utc) + fraction;
}

std::int64_t parse_http_time_us(std::string_view text) {
    // Not by strptime's names: those follow the locale.
    static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
    std::tm utc{};
    char month[4] = {};
    const std::string copy(text);
    if (std::sscanf(copy.c_str(), "%*3s, %2d %3s %4d %2d:%2d:%2d", &utc.tm_mday, month, &utc.tm_year, &utc.tm_hour,
                    &utc.tm_min, &utc.tm_sec) != 6)
        return 0;
    const auto at = kMonths.find(month);
    if (at == std::string_view::npos || at % 3 != 0) return 0;
    utc.tm_mon = static_cast<int>(at / 3);
    utc.tm_year -= 1900;
    return in_us(utc);
}

}  // namespace imgsrv::s3
