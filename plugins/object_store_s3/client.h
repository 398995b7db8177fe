#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "answers.h"
#include "credentials.h"
#include "payload.h"
#include "transfer.h"

namespace imgsrv::s3 {

// When to repeat a request that got no answer, or met a busy store.
enum class Repeat {
    always,     // it changes nothing, or the same thing twice
    if_unsent,  // only when the store cannot have carried it out
};

struct Request {
    const char* operation;  // as S3 calls it, for messages and metrics
    std::string method;
    std::string key = {};  // empty: the bucket itself
    QueryParameters query = {};
    std::map<std::string, std::string> headers = {};  // names in lower case; all are signed
    Payload* payload = nullptr;                       // null: none, as with GET
    Repeat repeat = Repeat::always;
    bool slow = false;  // the store may take long to answer: copies, completions
};

// An answer of the store, whichever status it has.
struct Answer {
    long status = 0;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
    std::string sent_md5;  // of the payload; empty when that was signed chunk by chunk
    std::optional<ErrorDocument>
        error;  // also with status 200; OperationAborted when a younger write overtook this one

    bool ok() const { return status >= 200 && status < 300 && !error; }
    // True when it is this error; answers to HEAD have no document and go by their status alone.
    bool is(long wanted_status, std::string_view code) const {
        return error ? error->code == code : status == wanted_status;
    }
    std::string header(const std::string& name) const;
    std::string etag() const { return bare_etag(header("etag")); }
};

// Whether the operator must act before the store can be used: a missing bucket, refused credentials, and the like.
bool is_misconfigured(const sdk::Failure& failure);

// Signed requests to one bucket. [any]
class Client {
  public:
    Client(const Settings& settings, CredentialSource& credentials, sdk::Host host);

    // Sends a request and reads the answer; repeats it where that is safe and may help. Throws UNAVAILABLE when there
    // is no answer, CANCELLED or DEADLINE, and what the payload throws. Not for large answers.
    Answer send(const sdk::Call& call, const Request& request);
    // The same; throws what failure() says unless the answer is ok().
    Answer send_ok(const sdk::Call& call, const Request& request);

    // Sends a GET and waits for the headers only. With a 2xx status, read the body from the transfer; otherwise there
    // is none, and the answer is whole.
    struct Opened {
        Answer answer;
        std::unique_ptr<Transfer> transfer;
    };
    Opened open(const sdk::Call& call, const Request& request);

    // Why the store refused, as a sentence for operators, and the class of it.
    sdk::Failure failure(const Request& request, const Answer& answer) const;
    sdk::Failure failure(const Request& request, const TransportFailure& trouble) const;

    // How to prove a payload whose hash is unknown before it is sent: by its etag unless this is set.
    void set_chunk_signing(bool on) { sign_chunks_ = on; }
    const Settings& settings() const { return settings_; }
    sdk::Log log() const { return host_.log(); }

  private:
    struct Wire {
        HttpRequest http;
        std::unique_ptr<UploadBody> body;
        const MeasuredBody* measured = nullptr;  // the body, unless it is signed chunk by chunk
    };
    Wire sign(const Request& request) const;
    TimeLimits limits(const Request& request) const;
    Opened send_once(const sdk::Call& call, const Request& request, bool leave_body);
    Opened send_until_answered(const sdk::Call& call, const Request& request, bool leave_body);
    // Waits before the next attempt. False: there will be none.
    bool pause(const sdk::Call& call, const Request& request, int attempt, std::uint32_t asked_ms) const;
    void count(const Request& request, const char* outcome) const;

    const Settings& settings_;
    CredentialSource& credentials_;
    sdk::Host host_;
    ConnectionPool pool_;
    std::atomic<bool> sign_chunks_{false};
};

}  // namespace imgsrv::s3
