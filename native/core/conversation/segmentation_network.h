#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "simd/aligned.h"
#include "simd/lstm.h"
#include "support/interrupt.h"
#include "support/result.h"

namespace timbre::conversation {

/// What segmentation-3.0 sees and gives: windows of 10 s at 16 kHz; frames of 991 samples every 270; at most three
/// speakers in a window, two of them at a time.
constexpr int kSampleRate = 16000;
constexpr std::size_t kWindowSamples = 160000;
constexpr std::size_t kWindowFrames = 589;
constexpr std::size_t kFrameStep = 270;    ///< samples
constexpr std::size_t kFrameCentre = 495;  ///< the sample in the middle of frame 0
constexpr std::size_t kLocalSpeakers = 3;
constexpr std::size_t kClasses = 7;
constexpr std::uint8_t kSilence = 0;  ///< the class; that of local speaker s alone is s + 1

/// The local speakers of each class.
constexpr std::array<std::array<bool, kLocalSpeakers>, kClasses> kPowerset = {{{false, false, false},
                                                                               {true, false, false},
                                                                               {false, true, false},
                                                                               {false, false, true},
                                                                               {true, true, false},
                                                                               {true, false, true},
                                                                               {false, true, true}}};

/// The tensors of a checkpoint, row-major, as models/timbre_models/segmentation.py shapes them.
struct SegmentationWeights {
  struct Affine {
    std::vector<float> weight;
    std::vector<float> bias;
  };
  struct Direction {
    std::vector<float> weight_ih;
    std::vector<float> weight_hh;
    std::vector<float> bias_ih;
    std::vector<float> bias_hh;
  };
  Affine wave_norm;
  std::vector<float> low_hz;   ///< of every pair of filters
  std::vector<float> band_hz;  ///< the same
  std::array<Affine, 3> norms;
  std::array<Affine, 2> convolutions;
  std::array<std::array<Direction, 2>, 4> lstm;  ///< forwards, backwards
  std::array<Affine, 2> linear;
  Affine classifier;
};

/// Windows that SegmentationNetwork takes at a time at most.
constexpr std::size_t kMostWindows = simd::kMostLstmStreams;

/// The forward pass of segmentation-3.0 (models/timbre_models/segmentation.py) in float32. Several windows share the
/// reading of the LSTM's weights, and get the same values as alone. The sinc filters are computed once; an even and an
/// odd filter are each half a product, of samples mirrored about the filter's middle. Immutable: any thread may call.
class SegmentationNetwork {
 public:
  /// Errors: MODEL_INVALID for sizes that are not those of segmentation-3.0.
  static Result<std::unique_ptr<const SegmentationNetwork>> create(const SegmentationWeights& weights);

  /// At most kMostWindows of kWindowSamples of any level -> of each, logarithms of probabilities
  /// [kWindowFrames][kClasses]. A frame depends on the whole window, zeros behind a recording included.
  /// Errors: INVALID_ARGUMENT for another number of samples or of windows, INFERENCE_FAILED where a value is not
  /// finite, what `interrupt` says, within some milliseconds.
  Result<std::vector<std::vector<float>>> log_probabilities(std::span<const std::vector<float>> windows,
                                                            const Interrupt& interrupt = kUninterrupted) const;

 private:
  struct Norm {
    std::vector<float> weight;
    std::vector<float> bias;
  };
  struct Layer {
    simd::AlignedFloats weights;  ///< [input][output]
    std::vector<float> bias;
  };
  struct Direction {
    simd::AlignedFloats input;      ///< [input + 1][gate][unit], biases in the last row
    simd::AlignedFloats recurrent;  ///< [gate][from][to]
  };

  /// A window's way through the network, channels first: [channel][frame], padded.
  struct Pass {
    simd::AlignedFloats x;
    simd::AlignedFloats next;
    simd::AlignedFloats gates;
  };

  SegmentationNetwork() = default;
  Status fill(const SegmentationWeights& weights);
  Result<simd::AlignedFloats> convolve(std::span<const float> window, const Interrupt& interrupt) const;
  Status recur(std::span<Pass> passes, const Interrupt& interrupt) const;
  Result<std::vector<float>> classify(Pass& pass) const;

  Norm wave_norm_;
  simd::AlignedFloats even_;  ///< [tap][pair], up to the middle
  simd::AlignedFloats odd_;   ///< the same without the middle
  std::array<Norm, 3> norms_;
  std::array<Layer, 2> convolutions_;
  std::array<std::array<Direction, 2>, 4> lstm_;
  std::array<Layer, 2> linear_;
  Layer classifier_;
};

/// The band-pass filters of the edges: [2 * pairs][251], the even ones first.
std::vector<double> sinc_filters(std::span<const float> low_hz, std::span<const float> band_hz);

}  // namespace timbre::conversation
