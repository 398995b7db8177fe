// The C++20 side of the plugin ABI. A plugin is an ordinary class whose member functions may throw, and one
// declaration:
//
//     #include <imgsrv/imgsrv.hpp>
//     namespace sdk = imgsrv::sdk;
//
//     class SbomStep {
//       public:
//         explicit SbomStep(const sdk::Setup& setup);            // reads setup.config; throws to refuse
//         void run(const sdk::Call& call, sdk::StepRun& run);    // throws sdk::Failure
//     };
//
//     constexpr sdk::OptionList kOptions{sdk::text_option("name", "sbom.json", "Attachment every version must have")};
//     IMGSRV_PLUGIN("org.example.sbom", "1.0.0", "Example", "MIT",
//                   sdk::publish_step<SbomStep>("require_sbom", kOptions));
//
// Everything here is a thin skin over the C headers: what a function must promise (units, ownership, threads, errors,
// what a crash may leave behind) stands there and holds for the member function of the same name.
// Header only. Only imgsrv_plugin_v1 leaves the shared object when it is built with imgsrv_add_plugin().
#pragma once

#include "cpp/auth.hpp"
#include "cpp/call.hpp"
#include "cpp/component.hpp"
#include "cpp/database.hpp"
#include "cpp/failure.hpp"
#include "cpp/host.hpp"
#include "cpp/local_data.hpp"
#include "cpp/object_store.hpp"
#include "cpp/publish_step.hpp"
#include "cpp/stream.hpp"
