#include "telemetry/openmetrics.h"

#include <charconv>
#include <cmath>

namespace imgsrv::telemetry {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr std::string_view kTotal = "_total";

std::string_view type_name(MetricType type) {
    switch (type) {
        case MetricType::Counter:
            return "counter";
        case MetricType::Gauge:
            return "gauge";
        case MetricType::Histogram:
            return "histogram";
        default:
            return "unknown";
    }
}

void append_number(std::string& out, double value) {
    if (std::isnan(value)) {
        out += "NaN";
    } else if (std::isinf(value)) {
        out += value > 0 ? "+Inf" : "-Inf";
    } else {
        char text[32];
        const auto end = std::to_chars(text, text + sizeof text, value).ptr;
        out.append(text, end);
    }
}

// A bucket's bound is a float even if it is whole: "1.0".
void append_bound(std::string& out, double value) {
    const std::size_t at = out.size();
    append_number(out, value);
    if (std::isfinite(value) && out.find_first_of(".e", at) == std::string::npos) out += ".0";
}

void append_escaped(std::string& out, std::string_view text) {
    for (const char c : text) {
        if (c == '\n') {
            out += "\\n";
            continue;
        }
        if (c == '\\' || c == '"') out += '\\';
        out += c;
    }
}

class Sample {
  public:
    Sample(std::string& out, std::string_view family, std::string_view suffix) : out_(out) {
        out_.append(family).append(suffix);
    }
    Sample& labels(const ClientMetric& metric) {
        for (const auto& label : metric.label) {
            open(label.name);
            append_escaped(out_, label.value);
            out_ += '"';
        }
        return *this;
    }
    Sample& bound(double le) {
        open("le");
        append_bound(out_, le);
        out_ += '"';
        return *this;
    }
    void value(double v) {
        if (labelled_) out_ += '}';
        out_ += ' ';
        append_number(out_, v);
        out_ += '\n';
    }

  private:
    void open(std::string_view name) {
        out_ += labelled_ ? ',' : '{';
        labelled_ = true;
        out_.append(name).append("=\"");
    }
    std::string& out_;
    bool labelled_ = false;
};

void append_histogram(std::string& out, std::string_view name, const ClientMetric& metric) {
    const auto& histogram = metric.histogram;
    bool infinite = false;
    for (const auto& bucket : histogram.bucket) {
        infinite = infinite || std::isinf(bucket.upper_bound);
        Sample(out, name, "_bucket")
            .labels(metric)
            .bound(bucket.upper_bound)
            .value(static_cast<double>(bucket.cumulative_count));
    }
    const auto count = static_cast<double>(histogram.sample_count);
    if (!infinite) Sample(out, name, "_bucket").labels(metric).bound(HUGE_VAL).value(count);
    Sample(out, name, "_count").labels(metric).value(count);
    Sample(out, name, "_sum").labels(metric).value(histogram.sample_sum);
}

void append_family(std::string& out, const MetricFamily& family) {
    std::string_view name = family.name;
    if (family.type == MetricType::Counter && name.ends_with(kTotal)) name.remove_suffix(kTotal.size());
    out.append("# TYPE ").append(name).append(" ").append(type_name(family.type)).append("\n");
    out.append("# HELP ").append(name).append(" ");
    append_escaped(out, family.help);
    out += '\n';
    for (const ClientMetric& metric : family.metric) {
        switch (family.type) {
            case MetricType::Counter:
                Sample(out, name, kTotal).labels(metric).value(metric.counter.value);
                break;
            case MetricType::Histogram:
                append_histogram(out, name, metric);
                break;
            case MetricType::Gauge:
                Sample(out, name, "").labels(metric).value(metric.gauge.value);
                break;
            default:
                Sample(out, name, "").labels(metric).value(metric.untyped.value);
                break;
        }
    }
}

}  // namespace

std::string to_openmetrics(const Families& families) {
    std::string out;
    for (const MetricFamily& family : families) append_family(out, family);
    return out += "# EOF\n";
}

}  // namespace imgsrv::telemetry
