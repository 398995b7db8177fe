// fixture_server ADDRESS FILES [CERTIFICATE KEY ADDRESS]: the fixture's routes as a server of its own, for benchmarks
// and for tests that need another process. Prints the bound addresses, then runs until SIGTERM.
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "fixture_routes.h"
#include "http/server.h"

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    imgsrv::test::FixtureState state;
    state.files = argv[2];
    const auto router = imgsrv::test::fixture_routes(state);
    imgsrv::http::Limits limits;
    if (const char* text = std::getenv("CONNECTIONS")) limits.connections = std::strtoul(text, nullptr, 10);
    imgsrv::http::Server server(router, limits, nullptr);
    imgsrv::Status status = server.listen({argv[1], {}, {}});
    if (status.ok() && argc >= 6) status = server.listen({argv[5], argv[3], argv[4]});
    if (status.ok()) status = server.start();
    if (!status.ok()) {
        std::fprintf(stderr, "%s\n", status.describe().c_str());
        return 1;
    }
    for (const auto& address : server.addresses()) std::printf("%s\n", address.c_str());
    std::fflush(stdout);
    int signal = 0;
    sigwait(&signals, &signal);
    return server.stop(std::chrono::seconds(5)) ? 0 : 1;
}
