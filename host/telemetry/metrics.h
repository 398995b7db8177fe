#pragma once

#include <prometheus/registry.h>

#include <functional>
#include <string>
#include <vector>

#include "telemetry/exposition.h"

namespace imgsrv::telemetry {

// All metrics of this process: those counted as events occur, and those collected at scrape time.
class Metrics {
  public:
    using Collect = std::function<void(Families&)>;

    prometheus::Registry& registry() { return registry_; }
    // What `collect` uses must outlive the last scrape. [main, before the first scrape]
    void add(Collect collect) { collectors_.push_back(std::move(collect)); }
    // All metrics, sorted by name. [worker]
    std::string expose(Exposition exposition) const;

  private:
    prometheus::Registry registry_;
    std::vector<Collect> collectors_;
};

}  // namespace imgsrv::telemetry
