#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "support/interrupt.h"
#include "support/matrix.h"
#include "support/result.h"

namespace timbre {

/// Every parameter of a front end, as the bundle's manifest gives it (see docs/models.md); no defaults live here.
struct FrontEndConfig {
  std::string type;  ///< "speechbrain" | "kaldi" | "taoruijie"
  int sample_rate = 0;
  int frame_length = 0;  ///< samples
  int frame_shift = 0;   ///< samples
  int fft_length = 0;    ///< points
  std::string window;    ///< "hamming_periodic" | "hamming" | "povey"
  int mel_bins = 0;
  double low_hz = 0;
  double high_hz = 0;
  double sample_scale = 0;  ///< samples in [-1, 1] are multiplied by this first
  double preemphasis = 0;
  bool remove_dc = false;      ///< per frame
  double log_floor = 0;        ///< smallest power before the logarithm (added to it in "taoruijie")
  double top_db = 0;           ///< "speechbrain": values lie at most this far below the utterance's maximum
  bool subtract_mean = false;  ///< per coefficient over the utterance
};

/// Samples to features, one utterance at a time. Immutable after creation: any thread may call compute().
class FrontEnd {
 public:
  /// Errors: MODEL_INVALID, naming the parameter that is unknown or out of range.
  static Result<std::unique_ptr<const FrontEnd>> create(const FrontEndConfig& config);

  virtual ~FrontEnd() = default;

  /// Mono samples in [-1, 1] at the config's rate -> [frames, mel_bins].
  /// Errors: AUDIO_TOO_SHORT for less than one frame, what `interrupt` says.
  virtual Result<Matrix> compute(std::span<const float> samples, const Interrupt& interrupt = kUninterrupted) const = 0;

  /// Frames that compute() makes of so many samples.
  virtual std::size_t frames(std::size_t samples) const = 0;

  /// Fewest samples that give at least so many frames.
  virtual std::size_t samples_for(std::size_t frames) const = 0;
};

}  // namespace timbre
