#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace imgsrv::conformance {

// The options of one component, as text: what a configuration file for the conformance program holds.
//
//     # one option a line; a key that repeats makes a list
//     component = fs
//     root = {tmp}/store
//
// Blank lines and lines that start with '#' are skipped; blanks around key and value are dropped. "{tmp}" in a value
// becomes a fresh folder that is removed at the end, "{env:NAME}" the environment variable NAME.
class Settings {
  public:
    // Throws std::runtime_error that names the line when it has no '=', or a variable that is not set.
    static Settings parse(std::string_view text, const std::string& tmp_folder);
    static Settings read_file(const std::string& file, const std::string& tmp_folder);

    void add(std::string key, std::string value) { values_[std::move(key)].push_back(std::move(value)); }
    void erase(const std::string& key) { values_.erase(key); }
    // nullptr: not set.
    const std::vector<std::string>* find(const std::string& key) const;
    // The single value of a key, or fallback.
    std::string get(const std::string& key, const std::string& fallback = {}) const;
    const std::map<std::string, std::vector<std::string>>& all() const { return values_; }

  private:
    std::map<std::string, std::vector<std::string>> values_;
};

}  // namespace imgsrv::conformance
