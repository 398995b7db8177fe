#pragma once

#include <prometheus/registry.h>

#include <functional>
#include <string>
#include <vector>

#include "telemetry/exposition.h"

namespace imgsrv::telemetry {

// Every metric of this process: those that are counted as things happen, and those that are asked for at a scrape.
class Metrics {
  public:
    using Collect = std::function<void(Families&)>;

    prometheus::Registry& registry() { return registry_; }
    // What `collect` uses outlives the last scrape. [main, before the first scrape]
    void add(Collect collect) { collectors_.push_back(std::move(collect)); }
    // All of it, in order of name. [worker]
    std::string expose(Exposition exposition) const;

  private:
    prometheus::Registry registry_;
    std::vector<Collect> collectors_;
};

}  // namespace imgsrv::telemetry
