#pragma once

#include <string>
#include <vector>

namespace imgsrv::client {

// Rows in aligned columns for people; the first row is the heading.
class Table {
  public:
    explicit Table(std::vector<std::string> heading) { add(std::move(heading)); }
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    bool empty() const { return rows_.size() <= 1; }
    // Two spaces between columns, none at the end of a line, a newline after each row. Empty cells show as "-".
    std::string render() const;

  private:
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace imgsrv::client
