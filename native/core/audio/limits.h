#pragma once

#include <cstdint>
#include <string>

#include "audio/audio.h"
#include "support/error.h"

namespace timbre {

/// AUDIO_TOO_LONG; `seconds` 0: more than is allowed, and nobody knows how much. `name` is how messages call it.
Error too_long(const std::string& name, double seconds, const AudioLimits& limits);

/// Samples of all channels that a recording may have: those of eight channels at 48 kHz, or two at 192 kHz, for as long
/// as it may be. Rates and channels that are allowed each may be too much together.
std::uint64_t most_samples(const AudioLimits& limits);

/// AUDIO_TOO_LONG.
Error too_many_samples(const std::string& name, const AudioLimits& limits);

/// AUDIO_TOO_LARGE.
Error too_large(const std::string& name, std::uint64_t bytes, const AudioLimits& limits);

}  // namespace timbre
