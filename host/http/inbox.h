#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace imgsrv::http {

// Received bytes that are not consumed yet. Holds no memory while empty.
class Inbox {
  public:
    bool empty() const { return view().empty(); }
    std::string_view view() const { return std::string_view(bytes_).substr(used_); }

    void append(std::string_view bytes) {
        if (used_ > 0) {
            bytes_.erase(0, used_);
            used_ = 0;
        }
        bytes_.append(bytes);
    }
    void consume(std::size_t n) {
        used_ += n;
        if (used_ == bytes_.size()) {
            std::string().swap(bytes_);
            used_ = 0;
        }
    }

  private:
    std::string bytes_;
    std::size_t used_ = 0;
};

}  // namespace imgsrv::http
