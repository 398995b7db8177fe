#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ports/publish_step.h"
#include "store/transaction.h"

namespace imgsrv::store::projections {

struct NewRow {
    std::string key;
    std::string json;
};

// The step's rows for the version are exactly these from now on.
Status replace(Transaction& tx, std::string_view step, std::string_view version_id, std::uint32_t row_schema,
               const std::vector<NewRow>& rows);
Status remove_version(Transaction& tx, std::string_view version_id);

// Rows of published versions in order of image, publication, key.
Status visit(Transaction& tx, std::string_view step, const std::function<Status(const ports::ProjectionRow&)>& visitor);

// Every alias with its image and version, in order of image, version, alias.
struct AliasTarget {
    std::string image;
    std::string version;
    std::string alias;
};
Result<std::vector<AliasTarget>> alias_targets(Transaction& tx);

}  // namespace imgsrv::store::projections
