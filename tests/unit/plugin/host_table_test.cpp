#include "plugin/host_table.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/log.h"
#include "plugin/abi_bridge.h"

using namespace imgsrv;
using namespace imgsrv::plugin;

namespace {

// What is written to stderr while it lives.
class StderrCapture {
  public:
    StderrCapture() : saved_(::dup(2)), file_(::mkstemp(path_.data())) { ::dup2(file_, 2); }
    ~StderrCapture() {
        ::dup2(saved_, 2);
        ::close(saved_);
        ::close(file_);
        ::unlink(path_.c_str());
    }
    std::string text() const {
        std::stringstream all;
        all << std::ifstream(path_).rdbuf();
        return all.str();
    }

  private:
    std::string path_ = "/tmp/imgsrv-stderr-XXXXXX";
    int saved_;
    int file_;
};

class Metrics final : public MetricSink {
  public:
    void record(MetricKind kind, std::string_view name, double value,
                std::span<const std::pair<std::string_view, std::string_view>> labels) noexcept override {
        seen += std::to_string(static_cast<int>(kind)) + " " + std::string(name) + " " + std::to_string(value);
        for (const auto& [key, text] : labels) seen += " " + std::string(key) + "=" + std::string(text);
        seen += "\n";
    }
    std::string seen;
};

}  // namespace

TEST_CASE("a plugin's log lines name the component, the instance and the request") {
    const HostTable table({}, "s3", "storage");
    const imgsrv_host* host = table.get();
    const ports::Call call{"req-7", {}, {}};
    const AbiCall abi_call(call);
    const imgsrv_kv fields[] = {{str("bucket"), str("b\"1")}, {str("empty"), {nullptr, 0}}};

    log::init(log::Format::json, log::Level::info);
    std::string text;
    {
        const StderrCapture capture;
        host->log(host->ctx, IMGSRV_LOG_DEBUG, nullptr, str("unseen"), nullptr, 0);
        host->log(host->ctx, IMGSRV_LOG_WARN, abi_call.get(), str("slow"), fields, 2);
        host->log(host->ctx, 35, nullptr, str("between"), nullptr, 0);
        text = capture.text();
    }
    log::init(log::Format::text, log::Level::info);

    std::istringstream lines(text);
    std::string line;
    REQUIRE(std::getline(lines, line));
    auto event = nlohmann::json::parse(line);
    CHECK(event["level"] == 40);
    CHECK(event["msg"] == "slow");
    CHECK(event["component"] == "s3");
    CHECK(event["instance"] == "storage");
    CHECK(event["request_id"] == "req-7");
    CHECK(event["bucket"] == "b\"1");
    CHECK(event["empty"] == "");
    REQUIRE(std::getline(lines, line));
    event = nlohmann::json::parse(line);
    CHECK(event["level"] == 40);
    CHECK_FALSE(event.contains("request_id"));
    CHECK_FALSE(std::getline(lines, line));
}

TEST_CASE("log_enabled follows the host's level") {
    const HostTable table({}, "s3", "storage");
    const imgsrv_host* host = table.get();
    log::set_level(log::Level::warn);
    CHECK_FALSE(host->log_enabled(host->ctx, IMGSRV_LOG_INFO));
    CHECK(host->log_enabled(host->ctx, IMGSRV_LOG_WARN));
    log::set_level(log::Level::info);
    CHECK(host->log_enabled(host->ctx, IMGSRV_LOG_INFO));
}

TEST_CASE("metrics reach the host's sink with the component's name") {
    Metrics metrics;
    const HostTable table({nullptr, &metrics}, "s3", "storage");
    const imgsrv_host* host = table.get();
    const imgsrv_kv label = {str("operation"), str("put")};
    host->metric(host->ctx, IMGSRV_METRIC_COUNTER, "requests_total", 1, &label, 1);
    host->metric(host->ctx, IMGSRV_METRIC_HISTOGRAM, "duration_seconds", 0.25, nullptr, 0);
    host->metric(host->ctx, 0, "unknown_kind", 1, nullptr, 0);
    host->metric(host->ctx, 99, "unknown_kind", 1, nullptr, 0);
    CHECK(metrics.seen ==
          "0 requests_total 1.000000 component=s3 operation=put\n"
          "2 duration_seconds 0.250000 component=s3\n");

    std::vector<imgsrv_kv> many(20, label);
    metrics.seen.clear();
    host->metric(host->ctx, IMGSRV_METRIC_GAUGE, "g", 1, many.data(), many.size());
    CHECK(std::count(metrics.seen.begin(), metrics.seen.end(), '=') == 9);
}

TEST_CASE("a host without metrics and services says so quietly") {
    const HostTable table({}, "s3", "storage");
    const imgsrv_host* host = table.get();
    host->metric(host->ctx, IMGSRV_METRIC_COUNTER, "n", 1, nullptr, 0);
    CHECK(host->service(host->ctx, IMGSRV_SERVICE_TOKEN_STORE) == nullptr);
    CHECK(host->service(host->ctx, "imgsrv.nothing/1") == nullptr);
    CHECK(std::string(host->version).size() > 0);
    CHECK(host->abi_major == 1);
}
