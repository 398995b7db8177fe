#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ports/publish_step.h"

namespace imgsrv::test {

// A publish step that does what a test says; by default it puts no row and succeeds.
class TestStep final : public ports::PublishStep {
  public:
    explicit TestStep(std::string name, bool finalizer = false) : name_(std::move(name)), finalizer_(finalizer) {}

    std::function<Status(const ports::Call&, ports::StepRun&)> work = [](const ports::Call&, ports::StepRun&) {
        return Status();
    };
    std::function<Result<std::string>(ports::RenderView&)> document = [](ports::RenderView&) {
        return std::string("document");
    };
    std::vector<ports::Document> served;
    unsigned renders = 0;

    std::string_view name() const override { return name_; }
    bool finalizer() const override { return finalizer_; }
    std::uint32_t row_schema() const override { return 7; }
    const std::vector<ports::Document>& documents() const override { return served; }
    Status run(const ports::Call& call, ports::StepRun& run) override { return work(call, run); }
    Result<std::string> render(const ports::Call&, ports::RenderView& view, std::string_view) override {
        ++renders;
        return document(view);
    }
    Status health(const ports::Call&) override { return {}; }

  private:
    const std::string name_;
    const bool finalizer_;
};

}  // namespace imgsrv::test
