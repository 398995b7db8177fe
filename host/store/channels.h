#pragma once

#include <string_view>

#include "store/transaction.h"

namespace imgsrv::store {

// What nodes tell each other of, where the database carries it; the names of channels.
inline constexpr std::string_view kUploadsChannel = "imgsrv_uploads";      // a session waits for promotion
inline constexpr std::string_view kJobsChannel = "imgsrv_jobs";            // a publish job has work
inline constexpr std::string_view kCatalogueChannel = "imgsrv_catalogue";  // what readers see has changed

// Every process that listens is told once the transaction is committed. Nothing where the database cannot: polling
// finds the work too.
Status announce(Transaction& tx, std::string_view channel);

}  // namespace imgsrv::store
