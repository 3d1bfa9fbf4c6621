#pragma once

#include "audio/audio.h"
#include "support/interrupt.h"
#include "support/result.h"

namespace timbre {

/// Decodes a recording, mixes its channels down to their mean and resamples it to `sample_rate`.
///
/// A recording already mono at `sample_rate` keeps its samples exactly (int16 / 32768).
///
/// Errors: AUDIO_NOT_FOUND, AUDIO_UNSUPPORTED, AUDIO_CORRUPT, AUDIO_TOO_LARGE, AUDIO_TOO_LONG, INVALID_ARGUMENT
/// (bad samples of the caller's), ABORTED, DEADLINE_EXCEEDED, OUT_OF_MEMORY.
Result<Audio> decode(const AudioSource& source, int sample_rate, const AudioLimits& limits, const Interrupt& interrupt,
                     AudioTimings* timings = nullptr);

/// The libraries behind decode(), e.g. "libsndfile-1.2.0", "libsoxr-0.1.3", and "" or the path of ffmpeg.
struct AudioLibraries {
  std::string sndfile;
  std::string soxr;
  std::string ffmpeg;
};
AudioLibraries audio_libraries();

}  // namespace timbre
