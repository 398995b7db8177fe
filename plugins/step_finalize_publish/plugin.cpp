// The publish step `finalize_publish`: asks for the published state, as the last step of a pipeline. The host checks
// every condition of that transition again and makes it in the transaction that marks this step done.
#include <imgsrv/imgsrv.hpp>

namespace {

namespace sdk = imgsrv::sdk;

class FinalizePublish {
  public:
    explicit FinalizePublish(const sdk::Setup&) {}

    void run(const sdk::Call& call, sdk::StepRun& run) const {
        call.throw_if_cancelled();
        run.request_published();
    }
};

}  // namespace

IMGSRV_PLUGIN("org.imgsrv.step.finalize_publish", "1.0.0", "imgsrv", "Apache-2.0",
              sdk::publish_step<FinalizePublish>("finalize_publish", sdk::kNoOptions, IMGSRV_COMPONENT_FINALIZER));
