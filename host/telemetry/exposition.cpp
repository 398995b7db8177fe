#include "telemetry/exposition.h"

#include <prometheus/text_serializer.h>

#include "http/preference.h"
#include "telemetry/openmetrics.h"

namespace imgsrv::telemetry {

Exposition choose_exposition(std::string_view accept) {
    const http::Preferences wanted(accept);
    const int openmetrics = wanted.quality("application/openmetrics-text").value_or(0);
    const int text = wanted.quality("text/plain").value_or(wanted.quality("text/*").value_or(0));
    return openmetrics > 0 && openmetrics >= text ? Exposition::openmetrics : Exposition::text;
}

std::string_view content_type(Exposition exposition) {
    return exposition == Exposition::openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                                 : "text/plain; version=0.0.4; charset=utf-8";
}

std::string expose(const Families& families, Exposition exposition) {
    if (exposition == Exposition::openmetrics) return to_openmetrics(families);
    return prometheus::TextSerializer().Serialize(families);
}

}  // namespace imgsrv::telemetry
