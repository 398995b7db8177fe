// limit_size - a publish step in C++: refuses a version whose artifacts are larger than the option max_size.
#include <imgsrv/imgsrv.hpp>
#include <string>

namespace sdk = imgsrv::sdk;

namespace {

class LimitSize {
  public:
    explicit LimitSize(const sdk::Setup& setup) : max_size_(setup.config.size("max_size")) {}

    void run(const sdk::Call& call, sdk::StepRun& run) {
        for (const imgsrv_artifact& artifact : run.artifacts()) {
            call.throw_if_cancelled();
            // What the manifest says is the publisher's word; the blob's size is what the server has seen.
            const auto size = run.blob_size(call, sdk::view(artifact.digest));
            if (size && *size > max_size_)
                throw sdk::Failure(IMGSRV_FAILED_PRECONDITION,
                                   std::string(sdk::view(artifact.format)) + " artifact of " + std::to_string(*size) +
                                       " bytes is larger than " + std::to_string(max_size_));
        }
    }

  private:
    std::uint64_t max_size_;
};

constexpr sdk::OptionList kOptions{sdk::size_option("max_size", "20GiB", "The largest artifact that is published")};

}  // namespace

IMGSRV_PLUGIN("org.example.limit_size", "1.0.0", "Example", "MIT",
              sdk::publish_step<LimitSize>("limit_size", kOptions));
