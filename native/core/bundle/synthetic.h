#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace timbre::bundle {

/// A recording by formula, mono in [-1, 1], the same on every machine up to the last bit of its sine.
///
/// signal: "voice" (harmonics of a gliding pitch in syllables, over faint noise) or "noise" (uniform, -20 dB).
/// Nothing for another name.
std::optional<std::vector<float>> synthesise(std::string_view signal, double seconds, std::uint64_t seed,
                                             int sample_rate);

}  // namespace timbre::bundle
