#include "telemetry/families.h"

namespace imgsrv::telemetry {

using prometheus::MetricType;

FamilyBuilder::FamilyBuilder(MetricType type, std::string_view name, std::string_view help) {
    family_.type = type;
    family_.name = name;
    family_.help = help;
}

prometheus::ClientMetric& FamilyBuilder::append(Labels labels) {
    auto& metric = family_.metric.emplace_back();
    for (const auto& [name, text] : labels) metric.label.push_back({std::string(name), std::string(text)});
    return metric;
}

FamilyBuilder& FamilyBuilder::add(double value, Labels labels) {
    auto& metric = append(labels);
    (family_.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    return *this;
}

FamilyBuilder& FamilyBuilder::add(const Histogram& histogram, Labels labels) {
    append(labels).histogram = histogram.collect();
    return *this;
}

void FamilyBuilder::move_to(Families& families) {
    if (!family_.metric.empty()) families.push_back(std::move(family_));
}

FamilyBuilder counter(std::string_view name, std::string_view help) {
    return {MetricType::Counter, name, help};
}

FamilyBuilder gauge(std::string_view name, std::string_view help) {
    return {MetricType::Gauge, name, help};
}

FamilyBuilder histogram(std::string_view name, std::string_view help) {
    return {MetricType::Histogram, name, help};
}

}  // namespace imgsrv::telemetry
