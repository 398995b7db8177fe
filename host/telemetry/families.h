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
// Names are fixed and values come from small sets: never an id, a name a user chose, a digest or the text of an error.
using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// Builds one family of values that are read at the moment of the scrape.
class FamilyBuilder {
  public:
    // name as Prometheus has it: with its unit, counters with _total.
    FamilyBuilder(prometheus::MetricType type, std::string_view name, std::string_view help);

    FamilyBuilder& add(double value, Labels labels = {});
    FamilyBuilder& add(const Histogram& histogram, Labels labels = {});
    // Appends the family, when it has values.
    void move_to(Families& families);

  private:
    prometheus::ClientMetric& append(Labels labels);

    prometheus::MetricFamily family_;
};

FamilyBuilder counter(std::string_view name, std::string_view help);
FamilyBuilder gauge(std::string_view name, std::string_view help);
FamilyBuilder histogram(std::string_view name, std::string_view help);

}  // namespace imgsrv::telemetry
