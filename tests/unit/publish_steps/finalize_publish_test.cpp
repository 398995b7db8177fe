#include <catch2/catch.hpp>

#include "conformance/publish_host.h"

using namespace imgsrv::conformance;

TEST_CASE("finalize_publish asks for the published state once") {
    const Plugin plugin(FINALIZE_PUBLISH);
    const imgsrv_component& component = plugin.component("finalize_publish");
    CHECK((component.flags & IMGSRV_COMPONENT_FINALIZER) != 0);
    Instance step(component, Settings());
    PublishHost host("app", "1");
    Call call;
    CHECK(host.run(step, call).code == IMGSRV_OK);
    CHECK(host.times_published() == 1);
    CHECK(host.rows().empty());
    CHECK(host.misuse().empty());
}

TEST_CASE("finalize_publish publishes nothing once it is cancelled") {
    Instance step(Plugin(FINALIZE_PUBLISH).component("finalize_publish"), Settings());
    PublishHost host("app", "1");
    Call call;
    call.cancel();
    CHECK(host.run(step, call).code == IMGSRV_CANCELLED);
    CHECK(host.times_published() == 0);
}
