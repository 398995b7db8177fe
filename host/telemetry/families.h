#pragma once

#include <prometheus/metric_family.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/histogram.h"

namespace imgsrv::telemetry {

using Families = std::vector<prometheus::MetricFamily>;
// Names are fixed and values come from small sets: never an id, a name chosen by a user, a digest or an error text.
using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// Builds one family of values read at scrape time.
class FamilyBuilder {
  public:
    // name: in Prometheus style, with its unit; counters end in _total.
    FamilyBuilder(prometheus::MetricType type, std::string_view name, std::string_view help);

    FamilyBuilder& add(double value, Labels labels = {});
    FamilyBuilder& add(const Histogram& histogram, Labels labels = {});
    // Appends the family if it has values.
    void move_to(Families& families);

  private:
    prometheus::ClientMetric& append(Labels labels);

    prometheus::MetricFamily family_;
};

FamilyBuilder counter(std::string_view name, std::string_view help);
FamilyBuilder gauge(std::string_view name, std::string_view help);
FamilyBuilder histogram(std::string_view name, std::string_view help);

}  // namespace imgsrv::telemetry
