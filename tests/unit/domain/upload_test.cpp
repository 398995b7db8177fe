#include "domain/upload.h"

#include <catch2/catch.hpp>

using namespace imgsrv;
using namespace imgsrv::domain;

namespace {

const std::vector<UploadPart> kAccepted = {{1, "a", 10}, {2, "b", 10}, {4, "d", 5}};

std::string refusal(const std::vector<UploadPart>& named) {
    const Status status = check_completion(named, kAccepted);
    CHECK(status.code() == Code::invalid_argument);
    return std::string(status.message());
}

}  // namespace

TEST_CASE("a completion names accepted parts in order") {
    CHECK(check_completion(kAccepted, kAccepted).ok());
    CHECK(check_completion({{1, "a", 10}, {4, "d", 5}}, kAccepted).ok());
}

TEST_CASE("a wrong completion is refused with the number of the wrong part") {
    CHECK(refusal({}) == "parts must name at least one part");
    CHECK(refusal({{1, "a", 10}, {3, "c", 10}}) == "part 3 has not been received");
    CHECK(refusal({{1, "x", 10}}) == "part 1 was received with etag 'a', not 'x'");
    CHECK(refusal({{1, "a", 9}}) == "part 1 was received with 10 bytes, not 9");
    CHECK(refusal({{2, "b", 10}, {1, "a", 10}}).find("ascending") != std::string::npos);
    CHECK(refusal({{1, "a", 10}, {1, "a", 10}}).find("ascending") != std::string::npos);
}

TEST_CASE("a running hash is valid for an object that starts with the parts it covers") {
    UploadSession session;
    CHECK(hash_covers_first(session, {{4, "d", 5}}));
    session.hashed_parts = 2;
    CHECK(hash_covers_first(session, kAccepted));
    CHECK(hash_covers_first(session, {{1, "a", 10}, {2, "b", 10}}));
    CHECK_FALSE(hash_covers_first(session, {{1, "a", 10}}));
    CHECK_FALSE(hash_covers_first(session, {{1, "a", 10}, {4, "d", 5}}));
}

TEST_CASE("parts are accepted while the session is open and has not expired") {
    UploadSession session;
    session.expires = from_micros(1000);
    CHECK(check_accepts_parts(session, from_micros(999)).ok());
    CHECK(check_accepts_parts(session, from_micros(1000)).code() == Code::failed_precondition);
    session.state = UploadState::uploading;
    CHECK(check_accepts_parts(session, from_micros(1)).ok());
    for (const UploadState state : {UploadState::completed, UploadState::ingesting, UploadState::ready,
                                    UploadState::failed, UploadState::aborted}) {
        session.state = state;
        const Status status = check_accepts_parts(session, from_micros(1));
        CHECK(status.code() == Code::failed_precondition);
        CHECK(std::string(status.message()).find(to_string(state)) != std::string::npos);
        CHECK(parse_upload_state(to_string(state)) == state);
    }
}
