#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "core/compression.h"

namespace imgsrv::services {

// A text that is sent many times, with its coded forms: each is made once, when it is first asked for, and lives as
// long as the text. [any]
class CachedText {
  public:
    struct Form {
        Coding coding = Coding::identity;
        std::shared_ptr<const std::string> body;
        std::string etag;  // strong, with quotes; another one for each coding
    };

    explicit CachedText(std::string text);

    const Form& identity() const { return forms_[0]; }
    // Null if it has not been made yet. Never waits.
    const Form* find(Coding coding) const;
    // Makes it if needed, which takes 0.2 s for 10 MB; other callers wait. Identity if the coding saves nothing or
    // there is no memory for it.
    const Form& get(Coding coding) const;

  private:
    std::string hash_;
    // By coding. Written once, under the mutex, before the flag says so.
    mutable std::array<Form, kCodings> forms_;
    mutable std::array<std::atomic<bool>, kCodings> made_{};
    mutable std::array<std::mutex, kCodings> making_;
};

}  // namespace imgsrv::services
