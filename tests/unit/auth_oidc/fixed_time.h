#pragma once

#include <cstdint>
#include <imgsrv/imgsrv.hpp>

// The moment at which these tests take place, and a call without a deadline.
inline constexpr std::int64_t kNow = 1'700'000'000;  // seconds since the epoch
inline constexpr std::int64_t kSecond = 1'000'000;   // microseconds
inline const imgsrv::sdk::Call kCall(nullptr);
