#pragma once

#include <libpq-fe.h>

#include <deque>
#include <imgsrv/imgsrv.hpp>
#include <span>
#include <string>
#include <vector>

namespace imgsrv::postgres {

// The values of one statement as libpq takes them. Text and bytes go in binary, that is, uncopied and unquoted, where
// the parameter's type allows; the rest goes as text, which the server reads as whatever type the parameter has.
class Parameters {
  public:
    // types: of the parameters, as the server described them. Borrows the values. Throws when one cannot be sent.
    Parameters(std::span<const imgsrv_value> values, std::span<const Oid> types);

    int count() const noexcept { return static_cast<int>(values_.size()); }
    const char* const* values() const noexcept { return values_.data(); }
    const int* lengths() const noexcept { return lengths_.data(); }
    const int* formats() const noexcept { return formats_.data(); }

  private:
    void add(const imgsrv_value& value, Oid type);
    void add_text(std::string text);
    void add_binary(std::string_view bytes);

    std::vector<const char*> values_;
    std::vector<int> lengths_;
    std::vector<int> formats_;
    std::deque<std::string> texts_;  // never moves what values_ points to
};

}  // namespace imgsrv::postgres
