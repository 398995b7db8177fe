#include "api/cached_text_response.h"

#include "api/conditional.h"
#include "http/content_coding.h"

namespace imgsrv::api {
namespace {

bool may_be_coded(const services::CachedText& text, std::string_view content_type) {
    return text.identity().body->size() >= http::kLeastCoded && http::is_text(content_type);
}

Coding coding_for(const http::Request& request, const services::CachedText& text, std::string_view content_type) {
    return may_be_coded(text, content_type) ? http::choose_coding(request.headers) : Coding::identity;
}

http::Response answer(const http::Request& request, const services::CachedText& text,
                      const services::CachedText::Form& form, std::string_view content_type) {
    http::Response response;
    response.headers.add("Cache-Control", "public, max-age=60");
    response.headers.add("ETag", form.etag);
    if (may_be_coded(text, content_type)) http::add_vary(response.headers);
    if (request.headers.find("If-None-Match") && names_etag(request.headers.joined("If-None-Match"), form.etag)) {
        response.status = 304;
        return response;
    }
    response.headers.add("Content-Type", std::string(content_type));
    if (form.coding != Coding::identity) response.headers.add("Content-Encoding", std::string(to_string(form.coding)));
    response.body = form.body;
    return response;
}

}  // namespace

http::Response cached_text_response(const http::Request& request, const services::CachedText& text,
                                    std::string_view content_type) {
    return answer(request, text, text.get(coding_for(request, text, content_type)), content_type);
}

std::optional<http::Response> cached_text_response_at_once(const http::Request& request,
                                                           const services::CachedText& text,
                                                           std::string_view content_type) {
    const auto* form = text.find(coding_for(request, text, content_type));
    if (form == nullptr) return std::nullopt;
    return answer(request, text, *form, content_type);
}

}  // namespace imgsrv::api
