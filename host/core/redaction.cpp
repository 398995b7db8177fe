#include "core/redaction.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>
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

void hide(std::string& text, std::size_t from, std::size_t to) {
    if (to > from) text.replace(from, to - from, kRedacted);
}

// imgsrv_at_<id>_<secret>: the id may be seen, it is how a token is talked about.
void hide_tokens(std::string& text) {
    for (std::size_t at = text.find(kTokenPrefix); at != std::string::npos; at = text.find(kTokenPrefix, at)) {
        at += kTokenPrefix.size();
        const std::size_t end = end_of_word(text, at);
        const std::size_t bar = text.find('_', at);
        if (bar < end) hide(text, bar + 1, end);
    }
}

// Three parts of base64url; the first is a JSON object, and so begins with eyJ ("{\"").
void hide_web_tokens(std::string& text) {
    for (std::size_t at = text.find("eyJ"); at != std::string::npos; at = text.find("eyJ", at + 1)) {
        const std::size_t first = end_of_word(text, at);
        if (first >= text.size() || text[first] != '.') continue;
        const std::size_t second = end_of_word(text, first + 1);
        if (second >= text.size() || text[second] != '.') continue;
        hide(text, at, end_of_word(text, second + 1));
    }
}

// scheme://user:password@host. The last '@' before the path counts: a password may hold one that was not encoded.
void hide_url_passwords(std::string& text) {
    for (std::size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at + 3)) {
        const std::size_t begin = at + 3;
        const std::size_t end = std::min(text.find_first_of("/ \t\"'\\", begin), text.size());
        const std::size_t host = text.rfind('@', end - 1);
        const std::size_t colon = text.find(':', begin);
        if (host != std::string::npos && host > begin && colon < host) hide(text, colon + 1, host);
    }
}

void hide_named_passwords(std::string& text) {
    static constexpr std::string_view kName = "password=";
    for (std::size_t at = text.find(kName); at != std::string::npos; at = text.find(kName, at)) {
        at += kName.size();
        if (at < text.size() && text[at] == '\'') ++at;
        hide(text, at, std::min(text.find_first_of(" \t\"'&\\", at), text.size()));
    }
}

// Values grow for as long as the process starts its plugins, and are read with every line.
class Secrets {
  public:
    void add(std::string value) {
        const std::lock_guard lock(mutex_);
        const List* old = current_.load();
        if (old != nullptr && std::find(old->begin(), old->end(), value) != old->end()) return;
        auto* grown = new List(old != nullptr ? *old : List());  // the old one stays: a line may be reading it
        grown->push_back(std::move(value));
        // Longest first, so that a secret that holds another one goes as a whole.
        std::sort(grown->begin(), grown->end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
        current_.store(grown);
    }
    void hide_in(std::string& text) const {
        const List* list = current_.load(std::memory_order_acquire);
        if (list == nullptr) return;
        for (const std::string& secret : *list)
            for (std::size_t at = text.find(secret); at != std::string::npos;
                 at = text.find(secret, at + kRedacted.size()))
                hide(text, at, at + secret.size());
    }

  private:
    using List = std::vector<std::string>;
    std::mutex mutex_;
    std::atomic<const List*> current_{nullptr};
};

// Leaked on purpose: threads may still log while static objects go away.
Secrets& secrets() {
    static auto* one = new Secrets;
    return *one;
}

}  // namespace

void keep_secret(std::string_view value) {
    while (!value.empty() && (value.back() == '\n' || value.back() == '\r')) value.remove_suffix(1);
    if (value.size() < kLeastSecret) return;
    secrets().add(std::string(value));
    // As it stands in a line of JSON.
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
