#include <charconv>
#include <nlohmann/json.hpp>

#include "api/endpoint.h"
#include "api/request_json.h"
#include "core/base64.h"
#include "core/hex.h"
#include "domain/digest.h"

namespace imgsrv::api {
namespace {

using http::BodyKind;
using http::Method;

// RFC 9530 Content-Digest "sha-256=:base64:", or RFC 3230 Digest "sha-256=base64". As hex; none when there is no
// SHA-256.
Result<std::optional<std::string>> declared_digest(const http::Request& request) {
    const std::string* field = request.headers.find("Content-Digest");
    const bool structured = field != nullptr;
    if (!field) field = request.headers.find("Digest");
    if (!field) return std::optional<std::string>();
    std::string lower(*field);
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const auto at = lower.find("sha-256=");
    if (at == std::string::npos) return std::optional<std::string>();
    std::string_view value = std::string_view(*field).substr(at + 8);
    value = value.substr(0, value.find(','));
    if (structured) {
        if (value.size() < 2 || value.front() != ':' || value.back() != ':')
            return Status(Code::invalid_argument, "Content-Digest must have the form sha-256=:<base64>:");
        value = value.substr(1, value.size() - 2);
    }
    const auto digest = decode_base64(http::trim(value));
    if (!digest) return Status(Code::invalid_argument, "the SHA-256 of the part is not base64");
    if (digest->size() != 32)
        return Status(Code::invalid_argument,
                      "the SHA-256 of the part has " + std::to_string(digest->size()) + " bytes, it must have 32");
    return std::optional<std::string>(to_hex(*digest));
}

Result<std::int64_t> part_number(const std::string& text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size())
        return Status(Code::invalid_argument,
                      "part number '" + text.substr(0, 32) + "' is not a number from 1 to 10000");
    return number;
}

}  // namespace

void add_upload_routes(Endpoints& endpoints) {
    auto& uploads = endpoints.services().uploads;

    endpoints.add(Method::post, "/v1/uploads", Gate::write, BodyKind::document,
                  [&uploads](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_ASSIGN(const auto body, RequestJson::read(x.request, kDocumentBytes,
                                                                       {"expected_digest", "expected_size_bytes",
                                                                        "media_type_hint", "filename_hint"}));
                      services::NewUpload upload;
                      IMGSRV_ASSIGN(upload.expected_digest, body.string("expected_digest"));
                      IMGSRV_ASSIGN(upload.expected_size, body.integer("expected_size_bytes"));
                      IMGSRV_ASSIGN(upload.media_type_hint, body.optional_string("media_type_hint"));
                      IMGSRV_ASSIGN(upload.filename_hint, body.optional_string("filename_hint"));
                      IMGSRV_ASSIGN(const auto created, uploads.create(x.call, upload, x.caller.principal_id));
                      auto response = json_response(created.already_trusted ? 200 : 201, to_json(created.session));
                      response.headers.add("Location", "/v1/uploads/" + created.session.id);
                      return response;
                  });

    endpoints.add(Method::get, "/v1/uploads/{id}", Gate::write, BodyKind::none,
                  [&uploads](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_ASSIGN(const auto session, uploads.get(x.call, x.param("id")));
                      return json_response(200, to_json(session));
                  });

    endpoints.add(Method::get, "/v1/uploads/{id}/parts", Gate::write, BodyKind::none,
                  [&uploads](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_ASSIGN(const auto parts, uploads.parts(x.call, x.param("id")));
                      Json items = Json::array();
                      for (const auto& part : parts) items.push_back(to_json(part, x.param("id")));
                      return json_response(200, {{"parts", std::move(items)}});
                  });

    endpoints.add(Method::put, "/v1/uploads/{id}/parts/{number}", Gate::write, BodyKind::streaming,
                  [&uploads](RequestContext& x) -> Result<http::Response> {
                      services::PartRequest announced;
                      IMGSRV_ASSIGN(announced.number, part_number(x.param("number")));
                      announced.content_length = x.request.has_body ? x.request.content_length : 0;
                      IMGSRV_ASSIGN(announced.expected_hex, declared_digest(x.request));
                      IMGSRV_ASSIGN(const auto part,
                                    uploads.put_part(x.call, x.param("id"), std::move(announced), *x.request.body));
                      auto response = json_response(200, to_json(part, x.param("id")));
                      response.headers.add("ETag", "\"" + part.etag + "\"");
                      return response;
                  });

    endpoints.add(Method::post, "/v1/uploads/{id}/complete", Gate::write, BodyKind::document,
                  [&uploads](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_ASSIGN(const auto body, RequestJson::read(x.request, kDocumentBytes, {"parts"}));
                      IMGSRV_ASSIGN(const auto named,
                                    body.objects("parts", domain::kMaxPartNumber, {"number", "etag", "size_bytes"}));
                      std::vector<domain::UploadPart> parts;
                      parts.reserve(named.size());
                      for (const auto& one : named) {
                          IMGSRV_ASSIGN(const auto number, one.integer("number"));
                          IMGSRV_ASSIGN(auto etag, one.string("etag"));
                          IMGSRV_ASSIGN(const auto size, one.integer("size_bytes"));
                          if (number < 1 || number > domain::kMaxPartNumber)
                              return Status(Code::invalid_argument,
                                            "part number " + std::to_string(number) + " is not between 1 and 10000");
                          if (size < 0)
                              return Status(Code::invalid_argument,
                                            "size_bytes of part " + std::to_string(number) + " must not be negative");
                          parts.push_back(
                              {static_cast<std::uint32_t>(number), std::move(etag), static_cast<std::uint64_t>(size)});
                      }
                      IMGSRV_ASSIGN(const auto session, uploads.complete(x.call, x.param("id"), parts));
                      return json_response(200, to_json(session));
                  });

    endpoints.add(Method::post, "/v1/uploads/{id}/abort", Gate::write, BodyKind::document,
                  [&uploads](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_TRY(RequestJson::read_nothing(x.request, kDocumentBytes));
                      IMGSRV_ASSIGN(const auto session, uploads.abort(x.call, x.param("id")));
                      return json_response(200, to_json(session));
                  });
}

}  // namespace imgsrv::api
