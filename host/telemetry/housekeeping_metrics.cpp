#include "telemetry/housekeeping_metrics.h"

namespace imgsrv::telemetry {

void collect_housekeeping(Families& families, const services::CollectorReport& removed,
                          const services::ScrubberStats& read) {
    const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
    counter("imgsrv_gc_items_total", "Items that the garbage collector processed, by outcome.")
        .add(number(removed.marked.blobs), {{"outcome", "marked"}})
        .add(number(removed.collected.blobs), {{"outcome", "collected"}})
        .add(number(removed.orphans.blobs), {{"outcome", "orphan"}})
        .add(number(removed.removed.blobs), {{"outcome", "removed"}})
        .move_to(families);
    counter("imgsrv_gc_removed_bytes_total", "Bytes of objects removed from the store.")
        .add(number(removed.removed.bytes))
        .move_to(families);
    counter("imgsrv_scrub_blobs_total", "Blobs read by the scrubber, by outcome.")
        .add(number(read.blobs), {{"outcome", "read"}})
        .add(number(read.damaged), {{"outcome", "damaged"}})
        .add(number(read.healed), {{"outcome", "healed"}})
        .move_to(families);
    counter("imgsrv_scrub_bytes_total", "Bytes read by the scrubber.").add(number(read.bytes)).move_to(families);
}

}  // namespace imgsrv::telemetry
