#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ports/publish_step.h"
#include "services/catalogue/blob_service.h"
#include "services/catalogue/catalogue_clock.h"
#include "store/pool.h"
#include "store/publishing/publishing.h"

namespace imgsrv::services {

// The steps that are loaded, by name.
using StepSet = std::map<std::string, std::unique_ptr<ports::PublishStep>, std::less<>>;

// Claims publish steps and runs them under a lease.
class StepRunner {
  public:
    StepRunner(store::Pool& pool, BlobService& blobs, const StepSet& steps, CatalogueClock& clock, std::string owner);

    // Runs the next step that waits. False when none did. A status that is not OK is the database's trouble: the step
    // stays leased and is taken over when the lease ends.
    Result<bool> run_one(const ports::Call& call);

  private:
    Result<std::optional<store::publishing::ClaimedStep>> claim(const ports::Call& call);
    // stopping: the work was called off because this process ends.
    Status conclude(const store::publishing::ClaimedStep& claimed, Status outcome, bool stopping,
                    class BufferedRun& run);
    Status succeed(const store::publishing::ClaimedStep& claimed, BufferedRun& run);
    Status fail(const store::publishing::ClaimedStep& claimed, const Status& why);
    Status requeue(const store::publishing::ClaimedStep& claimed, const Status& why, bool stopping);
    Status end_job(store::Transaction& tx, const store::publishing::ClaimedStep& claimed, Time now);

    store::Pool& pool_;
    BlobService& blobs_;
    const StepSet& steps_;
    CatalogueClock& clock_;
    const std::string owner_;
};

}  // namespace imgsrv::services
