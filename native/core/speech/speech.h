#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "support/interrupt.h"
#include "support/result.h"

namespace timbre {

/// A stretch of a recording, [begin, end).
struct SampleSpan {
  std::size_t begin;
  std::size_t end;

  bool operator==(const SampleSpan&) const = default;
};

/// What a recording is worth as evidence, measured on its mono samples at the model's rate.
struct SpeechReport {
  double seconds = 0;             ///< net speech
  std::optional<double> snr_db;   ///< speech against what lies between it; none where too little lies between
  double bandwidth_hz = 0;        ///< highest frequency that carries signal
  double level_db = 0;            ///< RMS of the speech (of everything where there is none), relative to full scale
  std::vector<SampleSpan> spans;  ///< where the speech lies, in order
};

/// Finds speech in a recording. Immutable: any thread may call it.
class SpeechDetector {
 public:
  virtual ~SpeechDetector() = default;

  /// Samples per second that it listens to.
  virtual int sample_rate() const = 0;
  /// Samples per decision.
  virtual std::size_t frame() const = 0;

  /// Probability of speech in each frame of mono samples at its rate, the last one padded with zeros.
  /// Errors: what `interrupt` says.
  virtual Result<std::vector<float>> probabilities(std::span<const float> samples,
                                                   const Interrupt& interrupt = kUninterrupted) const = 0;
};

/// Names the detector and what its spans are made with, see speech_spans(); others would cut elsewhere.
inline constexpr const char* kSpeechDetector = "silero-6.2.3";

/// Silero's network (silero-vad 6.2.3, 16 kHz), its weights compiled in, run over the whole recording at once.
std::unique_ptr<const SpeechDetector> silero_detector();

/// A stretch of speech in frames: [begin, end).
struct SpeechSpan {
  std::size_t begin;
  std::size_t end;
};

/// Speech begins at a probability of 0.5 and ends below 0.35. Pauses shorter than 0.1 s belong to it; what is shorter
/// than 0.1 s itself is none.
std::vector<SpeechSpan> speech_spans(std::span<const float> probabilities, double frame_seconds);

/// Errors: OUT_OF_MEMORY, INTERNAL, of resampling to the detector's rate where that differs from `sample_rate`; what
/// `interrupt` says.
Result<SpeechReport> measure_speech(std::span<const float> samples, int sample_rate, const SpeechDetector& detector,
                                    const Interrupt& interrupt = kUninterrupted);

}  // namespace timbre
