#include "fixture_routes.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

#include "http/problem.h"

namespace imgsrv::test {
namespace {

using http::BodyKind;
using http::Method;
using http::Request;
using http::Response;

Response text(std::string body) {
    Response response;
    response.headers.add("Content-Type", "text/plain");
    response.body = std::move(body);
    return response;
}

// The byte at position i of every generated stream.
std::byte pattern(std::uint64_t i) {
    return static_cast<std::byte>('a' + i % 23);
}

class PatternReader final : public ports::ByteReader {
  public:
    explicit PatternReader(std::uint64_t length) : length_(length) {}
    std::optional<std::uint64_t> size() const override { return length_; }
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        const std::size_t n = std::min<std::uint64_t>(buffer.size(), length_ - at_);
        for (std::size_t i = 0; i < n; ++i) buffer[i] = pattern(at_ + i);
        at_ += n;
        return n;
    }

  private:
    std::uint64_t length_;
    std::uint64_t at_ = 0;
};

Response token(const Request& request) {
    const auto value = request.query_value("t");
    return text("token " + (value.ok() && *value ? **value : "-") + "\n");
}

Response file(FixtureState& state, const Request& request) {
    http::FileBody body;
    body.fd = UniqueFd(::open((state.files + "/" + request.param("name")).c_str(), O_RDONLY | O_CLOEXEC));
    struct stat info {};
    if (!body.fd || ::fstat(body.fd.get(), &info) != 0)
        return http::problem(Status(Code::not_found, "no such file"), request.request_id);
    body.length = static_cast<std::uint64_t>(info.st_size);
    Response response;
    response.headers.add("Content-Type", "application/octet-stream");
    response.body = std::move(body);
    return response;
}

Response upload(FixtureState& state, Request& request) {
    std::vector<std::byte> buffer(128 * 1024);
    std::uint64_t total = 0;
    for (;;) {
        const auto n = request.body->read(buffer);
        if (!n.ok()) {
            ++state.uploads_failed;
            return http::problem(n.status(), request.request_id);
        }
        if (*n == 0) break;
        total += *n;
    }
    ++state.uploads_finished;
    return text("got " + std::to_string(total) + "\n");
}

}  // namespace

http::Router fixture_routes(FixtureState& state) {
    http::Router router;
    static const auto kSmall = std::make_shared<const std::string>(512, 'x');
    static const auto kShared = std::make_shared<const std::string>(1024 * 1024, 's');
    const auto add = [&](Method method, std::string pattern, http::Handler handler, http::FastHandler fast = {},
                         BodyKind body = BodyKind::none) {
        router.add({method, std::move(pattern), body, std::move(handler), std::move(fast)});
    };
    const auto held = [](const std::shared_ptr<const std::string>& bytes) {
        Response response;
        response.headers.add("Content-Type", "text/plain");
        response.body = bytes;
        return response;
    };
    add(Method::get, "/small", {}, [held](const Request&) { return held(kSmall); });
    add(Method::get, "/work", [held](Request&) { return held(kSmall); });
    add(Method::get, "/shared", {}, [held](const Request&) { return held(kShared); });
    add(Method::get, "/token", {}, [](const Request& request) { return token(request); });
    add(Method::get, "/later/{ms}", [](Request& request) {
        std::this_thread::sleep_for(std::chrono::milliseconds(std::stoi(request.param("ms"))));
        return token(request);
    });
    add(Method::get, "/held", [&state](Request& request) {
        while (!state.released && !request.cancel->cancelled())
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return token(request);
    });
    add(Method::get, "/img/{name}", [&state](Request& request) { return file(state, request); });
    add(Method::get, "/stream/{bytes}", [](Request& request) {
        Response response;
        const std::uint64_t length = std::stoull(request.param("bytes"));
        response.body = http::StreamBody{std::make_unique<PatternReader>(length), length};
        return response;
    });
    add(Method::get, "/broken/{bytes}", [](Request& request) {
        Response response;
        const std::uint64_t length = std::stoull(request.param("bytes"));
        response.body = http::StreamBody{std::make_unique<PatternReader>(length / 2), length};
        return response;
    });
    add(
        Method::put, "/up/{name}", [&state](Request& request) { return upload(state, request); }, {},
        BodyKind::streaming);
    add(
        Method::put, "/ignore", [](Request&) { return text("ignored\n"); }, {}, BodyKind::streaming);
    add(
        Method::post, "/document",
        [](Request& request) {
            auto body = request.read_body(1024 * 1024);
            return body.ok() ? text(std::move(*body)) : http::problem(body.status(), request.request_id);
        },
        {}, BodyKind::document);
    add(Method::get, "/echo/{first}/{second}",
        [](Request& request) { return text(request.param("first") + "|" + request.param("second") + "\n"); });
    add(Method::get, "/throw", [](Request&) -> Response { throw std::runtime_error("secret text"); });
    add(Method::get, "/throwint", [](Request&) -> Response { throw 42; });
    return router;
}

}  // namespace imgsrv::test
