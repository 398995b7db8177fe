#pragma once

#include "core/sha256.h"
#include "core/status.h"
#include "ports/byte_reader.h"
#include "ports/call.h"

namespace imgsrv::services {

// Feeds the rest of a stream to the hash. A second thread reads ahead by one block, so that the store works while this
// one hashes. Errors: cancelled if the call was, unavailable if no thread can be had, else what the reader reports; the
// hash is useless then.
Status hash_stream(const ports::Call& call, ports::ByteReader& body, Sha256& hash);

}  // namespace imgsrv::services
