#pragma once

#include "audio/audio.h"
#include "audio/ffmpeg_host.h"
#include "audio/input.h"
#include "audio/sample_sink.h"
#include "support/interrupt.h"
#include "support/result.h"

namespace timbre {

/// Decodes a recording, mixes its channels down to their mean, or takes the one that is wanted, and resamples it to
/// `sample_rate`. Where the channels cancel each other in their mean, the strongest is taken, and told.
///
/// A recording already mono at `sample_rate` keeps its samples exactly (int16 / 32768).
///
/// A recording that is not whole is decoded as far as it goes, and `info.completeness` says what is missing.
///
/// Errors: AUDIO_NOT_FOUND, AUDIO_UNSUPPORTED, AUDIO_CORRUPT (nothing in it can be trusted), AUDIO_TOO_LARGE,
/// AUDIO_TOO_LONG, INVALID_ARGUMENT (bad samples of the caller's, no such channel or track), ABORTED,
/// DEADLINE_EXCEEDED, OUT_OF_MEMORY.
Result<Audio> decode(const AudioSource& source, int sample_rate, const AudioLimits& limits, const Interrupt& interrupt,
                     AudioTimings* timings = nullptr, const AudioSelection& selection = {});

/// The same of an input that is open, with ffmpeg as `ffmpeg` has it.
Result<Audio> decode(const Input& input, int sample_rate, const AudioLimits& limits, const Interrupt& interrupt,
                     AudioTimings& timings, const AudioSelection& selection, const FfmpegHost& ffmpeg);

/// decode() of recordings that are too long to be held: samples go to `sink` as they come. Where the channels cancel
/// each other in their mean, which is known at an end only, the sink is told to begin anew, once, and the strongest
/// channel is taken of the whole recording. Errors: those of decode() and of the sink.
Result<AudioInfo> decode_into(SampleSink& sink, const AudioSource& source, int sample_rate, const AudioLimits& limits,
                              const Interrupt& interrupt, AudioTimings* timings = nullptr,
                              const AudioSelection& selection = {});

/// The same of an input that is open, with ffmpeg as `ffmpeg` has it.
Result<AudioInfo> decode_into(SampleSink& sink, const Input& input, int sample_rate, const AudioLimits& limits,
                              const Interrupt& interrupt, AudioTimings& timings, const AudioSelection& selection,
                              const FfmpegHost& ffmpeg);

/// The libraries behind decode(), e.g. "libsndfile-1.2.0", "libsoxr-0.1.3", and "" or the path of ffmpeg.
struct AudioLibraries {
  std::string sndfile;
  std::string soxr;
  std::string ffmpeg;
};
AudioLibraries audio_libraries();

}  // namespace timbre
