#include "core/redaction.h"

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <shared_mutex>
#include <vector>

namespace imgsrv {
namespace {

constexpr std::size_t kLeastSecret = 6;
constexpr std::string_view kTokenPrefix = "imgsrv_at_";

bool is_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

std::size_t end_of_word(const std::string& text, std::size_t at) {
    while (at < text.size() && is_word(text[at])) ++at;
    return at;
}

// Rebuilds a text without its hidden ranges. Offsets are those of the original text and must ascend.
class Redaction {
  public:
    explicit Redaction(std::string& text) : text_(text) {}
    void hide(std::size_t from, std::size_t to) {
        if (to <= from) return;
        out_.append(text_, done_, from - done_);
        out_ += kRedacted;
        done_ = to;
    }
    void finish() {
        if (done_ == 0) return;
        out_.append(text_, done_);
        text_ = std::move(out_);
    }

  private:
    std::string& text_;
    std::string out_;
    std::size_t done_ = 0;
};

// imgsrv_at_<id>_<secret>: the id stays visible, because people name a token by it.
void hide_tokens(std::string& text) {
    Redaction redaction(text);
    for (std::size_t at = text.find(kTokenPrefix); at != std::string::npos; at = text.find(kTokenPrefix, at)) {
        at += kTokenPrefix.size();
        const std::size_t end = end_of_word(text, at);
        const std::size_t bar = std::string_view(text).substr(at, end - at).find('_');
        if (bar != std::string_view::npos) redaction.hide(at + bar + 1, end);
        at = end;
    }
    redaction.finish();
}

// Three parts of base64url; the first is a JSON object, so it starts with eyJ ("{\"").
void hide_web_tokens(std::string& text) {
    Redaction redaction(text);
    for (std::size_t at = text.find("eyJ"); at != std::string::npos; at = text.find("eyJ", at)) {
        const std::size_t begin = at;
        // A word that is not followed by two others is no token, whichever of its characters it is read from.
        const std::size_t first = at = end_of_word(text, begin);
        if (first >= text.size() || text[first] != '.') continue;
        const std::size_t second = end_of_word(text, first + 1);
        if (second >= text.size() || text[second] != '.') continue;
        at = end_of_word(text, second + 1);
        redaction.hide(begin, at);
    }
    redaction.finish();
}

// scheme://user:password@host. The last '@' before the path counts: a password may contain an unencoded one.
void hide_url_passwords(std::string& text) {
    Redaction redaction(text);
    for (std::size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at)) {
        at += 3;
        const std::size_t end = std::min(text.find_first_of("/ \t\"'\\", at), text.size());
        const auto authority = std::string_view(text).substr(at, end - at);
        const std::size_t host = authority.rfind('@');
        const std::size_t colon = authority.find(':');
        if (host != std::string_view::npos && colon < host) redaction.hide(at + colon + 1, at + host);
    }
    redaction.finish();
}

void hide_named_passwords(std::string& text) {
    static constexpr std::string_view kName = "password=";
    Redaction redaction(text);
    for (std::size_t at = text.find(kName); at != std::string::npos; at = text.find(kName, at)) {
        at += kName.size();
        if (at < text.size() && text[at] == '\'') ++at;
        const std::size_t end = std::min(text.find_first_of(" \t\"'&\\", at), text.size());
        redaction.hide(at, end);
        at = end;
    }
    redaction.finish();
}

class Secrets {
  public:
    void add(std::string value) {
        const std::unique_lock lock(mutex_);
        if (std::find(values_.begin(), values_.end(), value) != values_.end()) return;
        values_.push_back(std::move(value));
        // Longest first, so that a secret that contains another is hidden whole.
        std::sort(values_.begin(), values_.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
    }
    void hide_in(std::string& text) const {
        const std::shared_lock lock(mutex_);
        for (const std::string& secret : values_) {
            Redaction redaction(text);
            for (std::size_t at = text.find(secret); at != std::string::npos;
                 at = text.find(secret, at + secret.size()))
                redaction.hide(at, at + secret.size());
            redaction.finish();
        }
    }

  private:
    mutable std::shared_mutex mutex_;
    std::vector<std::string> values_;
};

// Leaked on purpose: threads may still log while static objects are destroyed.
Secrets& secrets() {
    static auto* one = new Secrets;
    return *one;
}

}  // namespace

void keep_secret(std::string_view value) {
    while (!value.empty() && (value.back() == '\n' || value.back() == '\r')) value.remove_suffix(1);
    if (value.size() < kLeastSecret) return;
    secrets().add(std::string(value));
    // The form it takes inside a line of JSON.
    const std::string json = nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    const std::string inner = json.substr(1, json.size() - 2);
    if (inner != value) secrets().add(inner);
}

void redact(std::string& text) {
    secrets().hide_in(text);
    hide_tokens(text);
    hide_web_tokens(text);
    hide_url_passwords(text);
    hide_named_passwords(text);
}

}  // namespace imgsrv
