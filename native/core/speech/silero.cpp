// Silero VAD (https://github.com/snakers4/silero-vad, MIT), 16 kHz branch: magnitudes of four windows per frame, four
// convolutions, an LSTM cell, a sigmoid. Frames meet only in the LSTM, so everything before it runs on many at a time.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "simd/aligned.h"
#include "simd/lstm.h"
#include "simd/matrix.h"
#include "simd/power_spectra.h"
#include "simd/vectors.h"
#include "speech/speech.h"

namespace timbre {

namespace {

using simd::AlignedFloats;

constexpr int kRate = 16000;
constexpr std::size_t kHidden = simd::kLstmUnits;
constexpr std::size_t kFrame = 512;
constexpr std::size_t kContext = 64;  ///< samples of the frame before, and as many mirrored behind
constexpr std::size_t kWindow = 256;
constexpr std::size_t kStep = 128;
constexpr std::size_t kWindows = 4;
constexpr std::size_t kBins = kWindow / 2 + 1;
constexpr std::size_t kFirst = 128;  ///< channels of the first convolution
constexpr std::size_t kSecond = 64;  ///< of the second and the third
constexpr std::size_t kBlock = 48;   ///< frames at a time: their activations stay in the cache
constexpr std::size_t kLanes = 16;   ///< frames that matrix products want multiples of

/// silero_vad_16k.safetensors, whose checksum CMake compares; hence its layout is known.
constexpr std::size_t kFileBytes = 1239748;

extern "C" const unsigned char timbre_silero_weights[kFileBytes];
__asm__(
    ".pushsection .rodata\n"
    ".balign 64\n"
    ".hidden timbre_silero_weights\n"
    ".global timbre_silero_weights\n"
    "timbre_silero_weights:\n"
    ".incbin \"" TIMBRE_SILERO_WEIGHTS
    "\"\n"
    ".popsection\n");

AlignedFloats tensor(std::size_t offset, std::size_t count) {
  AlignedFloats values(count);
  std::memcpy(values.data(), timbre_silero_weights + offset, count * sizeof(float));
  return values;
}

/// Of a convolution's weights [out][in][3] the taps from `first` on, as [tap][in][out] for multiply().
AlignedFloats taps(std::size_t offset, std::size_t out, std::size_t in, std::size_t first, std::size_t count) {
  const AlignedFloats weights = tensor(offset, out * in * 3);
  AlignedFloats result(count * in * out);
  for (std::size_t t = 0; t < count; ++t) {
    for (std::size_t i = 0; i < in; ++i) {
      for (std::size_t o = 0; o < out; ++o) {
        result[(t * in + i) * out + o] = weights[(o * in + i) * 3 + first + t];
      }
    }
  }
  return result;
}

/// [rows][cols] -> [cols][rows].
AlignedFloats transposed(const AlignedFloats& values, std::size_t rows) {
  const std::size_t cols = values.size() / rows;
  AlignedFloats result(values.size());
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < cols; ++c) result[c * rows + r] = values[r * cols + c];
  }
  return result;
}

/// An LSTM's recurrent weights [gate][to][from] as [gate][from][to].
AlignedFloats by_gate(std::size_t offset) {
  AlignedFloats result;
  for (std::size_t gate = 0; gate < 4; ++gate, offset += kHidden * kHidden * sizeof(float)) {
    const AlignedFloats part = transposed(tensor(offset, kHidden * kHidden), kHidden);
    result.insert(result.end(), part.begin(), part.end());
  }
  return result;
}

float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

/// A convolution over four times with a zero at each end is six products instead of ten (Winograd's F(4, 3)): of
/// combinations of its inputs with combinations of its taps, which combine into the results. The polynomials' values at
/// 0, 1, -1, 2, -2 and infinity.
constexpr std::size_t kProducts = 6;
constexpr std::array<float, kWindows* kProducts> kOfInputs = {
    0,  -4, 4,  -2, 2,  4,   //
    -5, -4, -4, -1, -1, 0,   //
    0,  1,  -1, 2,  -2, -5,  //
    1,  1,  1,  1,  1,  0,
};
constexpr double kOfTaps[kProducts][3] = {
    {1 / 4.0, 0, 0},
    {-1 / 6.0, -1 / 6.0, -1 / 6.0},
    {-1 / 6.0, 1 / 6.0, -1 / 6.0},
    {1 / 24.0, 1 / 12.0, 1 / 6.0},
    {1 / 24.0, -1 / 12.0, 1 / 6.0},
    {0, 0, 1},
};
constexpr std::array<float, kProducts* kWindows> kOfProducts = {
    1, 0,  0, 0,   //
    1, 1,  1, 1,   //
    1, -1, 1, -1,  //
    1, 2,  4, 8,   //
    1, -2, 4, -8,  //
    0, 0,  0, 1,
};
/// What this product's results have more, all results have more.
constexpr std::size_t kOfBias = 1;

/// The combinations of a convolution's weights [out][in][3], as [product][in][out].
AlignedFloats combined_taps(std::size_t offset, std::size_t out, std::size_t in) {
  const AlignedFloats weights = tensor(offset, out * in * 3);
  AlignedFloats result(kProducts * in * out);
  for (std::size_t p = 0; p < kProducts; ++p) {
    for (std::size_t i = 0; i < in; ++i) {
      for (std::size_t o = 0; o < out; ++o) {
        double sum = 0;
        for (std::size_t t = 0; t < 3; ++t) sum += kOfTaps[p][t] * weights[(o * in + i) * 3 + t];
        result[(p * in + i) * out + o] = static_cast<float>(sum);
      }
    }
  }
  return result;
}

class Silero final : public SpeechDetector {
 public:
  int sample_rate() const override { return kRate; }
  std::size_t frame() const override { return kFrame; }

  Result<std::vector<float>> probabilities(std::span<const float> samples, const Interrupt& interrupt) const override {
    const std::size_t frames = (samples.size() + kFrame - 1) / kFrame;
    std::vector<float> result;
    result.reserve(frames);
    Scratch scratch;
    for (std::size_t first = 0; first < frames; first += kBlock) {
      if (auto stop = interrupt.check()) return *std::move(stop);
      const std::size_t count = std::min(kBlock, frames - first);
      load(samples, first, scratch);
      encode((count + kLanes - 1) / kLanes * kLanes, scratch);
      for (std::size_t f = 0; f < count; ++f) result.push_back(lstm_step(f, scratch));
    }
    return result;
  }

 private:
  /// Activations of a block, [time][channel][frame] but for the gates, [frame][channel].
  struct Scratch {
    AlignedFloats recording = AlignedFloats(kContext + kBlock * kFrame);
    AlignedFloats samples = AlignedFloats((kContext + kFrame + kContext) * kBlock);
    AlignedFloats spectrum = AlignedFloats(kWindows * kBins * kBlock);
    AlignedFloats inputs = AlignedFloats(kProducts * kBins * kBlock);
    AlignedFloats products = AlignedFloats(kProducts * kFirst * kBlock);
    AlignedFloats first = AlignedFloats(kWindows * kFirst * kBlock);
    AlignedFloats second = AlignedFloats(2 * kSecond * kBlock);
    AlignedFloats third = AlignedFloats(kSecond * kBlock);
    AlignedFloats fourth = AlignedFloats((kHidden + 1) * kBlock, 1);  // the last channel stays 1, for a bias
    AlignedFloats gates = AlignedFloats(kBlock * 4 * kHidden);
    std::array<float, kHidden> hidden{};
    std::array<float, kHidden> cell{};
  };

  /// Windows reach into the frame before, and at the other end into the frame mirrored.
  static void load(std::span<const float> all, std::size_t first, Scratch& s) {
    const std::size_t before = first > 0 ? kContext : 0;
    const std::size_t from = first * kFrame - before;
    const std::size_t there = std::min(before + kBlock * kFrame, all.size() - from);
    std::fill(s.recording.begin(), s.recording.end(), 0.0F);
    std::copy_n(all.begin() + static_cast<long>(from), there,
                s.recording.begin() + static_cast<long>(kContext - before));
    constexpr std::size_t kEnd = kContext + kFrame;
    for (std::size_t f = 0; f < kBlock; f += 4) {
      simd::transpose_four_rows(s.recording.data() + f * kFrame, kFrame, kEnd, s.samples.data() + f, kBlock);
    }
    for (std::size_t i = 0; i < kContext; ++i) {
      std::copy_n(s.samples.data() + (kEnd - 2 - i) * kBlock, kBlock, s.samples.data() + (kEnd + i) * kBlock);
    }
  }

  /// The gates' inputs from the samples of the first `columns` frames.
  void encode(std::size_t columns, Scratch& s) const {
    for (std::size_t w = 0; w < kWindows; ++w) {
      spectra_.compute(s.samples.data() + w * kStep * kBlock, kBlock, columns, s.spectrum.data() + w * kBins * kBlock);
    }
    simd::square_root(s.spectrum);
    convolve_first(columns, s);
    // Every other time: taps around 0 and 2 of four, then the last two of (none, 0, 1), then the middle one.
    layer(s.first.data(), 2 * kFirst, conv2_.data() + kFirst * kSecond, bias2_, columns, s.second.data());
    layer(s.first.data() + kFirst * kBlock, 3 * kFirst, conv2_.data(), bias2_, columns,
          s.second.data() + kSecond * kBlock);
    layer(s.second.data(), 2 * kSecond, conv3_.data(), bias3_, columns, s.third.data());
    layer(s.third.data(), kSecond, conv4_.data(), bias4_, columns, s.fourth.data());
    simd::multiply({.left = s.fourth.data(),
                    .left_step = kBlock,
                    .right = input_.data(),
                    .right_step = 4 * kHidden,
                    .depth = kHidden + 1,
                    .rows = columns,
                    .columns = 4 * kHidden,
                    .out = s.gates.data(),
                    .out_step = 4 * kHidden});
  }

  void convolve_first(std::size_t columns, Scratch& s) const {
    simd::multiply({.left = kOfInputs.data(),
                    .left_step = kProducts,
                    .right = s.spectrum.data(),
                    .right_step = kBins * kBlock,
                    .depth = kWindows,
                    .rows = kProducts,
                    .columns = kBins * kBlock,
                    .out = s.inputs.data(),
                    .out_step = kBins * kBlock});
    for (std::size_t p = 0; p < kProducts; ++p) {
      simd::multiply({.left = conv1_.data() + p * kBins * kFirst,
                      .left_step = kFirst,
                      .right = s.inputs.data() + p * kBins * kBlock,
                      .right_step = kBlock,
                      .depth = kBins,
                      .rows = kFirst,
                      .columns = columns,
                      .out = s.products.data() + p * kFirst * kBlock,
                      .out_step = kBlock,
                      .bias = p == kOfBias ? bias1_.data() : nullptr});
    }
    simd::multiply({.left = kOfProducts.data(),
                    .left_step = kWindows,
                    .right = s.products.data(),
                    .right_step = kFirst * kBlock,
                    .depth = kProducts,
                    .rows = kWindows,
                    .columns = kFirst * kBlock,
                    .out = s.first.data(),
                    .out_step = kFirst * kBlock,
                    .relu = true});
  }

  /// `weights` are [in][out].
  void layer(const float* in, std::size_t channels, const float* weights, const AlignedFloats& bias,
             std::size_t columns, float* out) const {
    simd::multiply({.left = weights,
                    .left_step = bias.size(),
                    .right = in,
                    .right_step = kBlock,
                    .depth = channels,
                    .rows = bias.size(),
                    .columns = columns,
                    .out = out,
                    .out_step = kBlock,
                    .bias = bias.data(),
                    .relu = true});
  }

  /// The probability that the frame at this place of the block is speech.
  float lstm_step(std::size_t place, Scratch& s) const {
    const simd::LstmStream stream{s.gates.data() + place * 4 * kHidden, s.hidden.data(), s.cell.data()};
    simd::lstm_step(recurrent_.data(), {&stream, 1});
    std::array<float, kHidden> positive;
    for (std::size_t i = 0; i < kHidden; ++i) positive[i] = std::max(s.hidden[i], 0.0F);
    return sigmoid(simd::dot(output_, positive) + output_bias_[0]);
  }

  /// [in + 1][out], with the biases of both sides behind.
  static AlignedFloats with_bias(AlignedFloats weights) {
    const AlignedFloats ours = tensor(1235136, 4 * kHidden);
    const AlignedFloats recurrent = tensor(1237184, 4 * kHidden);
    for (std::size_t i = 0; i < ours.size(); ++i) weights.push_back(ours[i] + recurrent[i]);
    return weights;
  }

  const simd::PowerSpectra spectra_{simd::hann_window(kWindow)};
  const AlignedFloats conv1_ = combined_taps(265408, kFirst, kBins);
  const AlignedFloats bias1_ = tensor(463552, kFirst);
  const AlignedFloats conv2_ = taps(464064, kSecond, kFirst, 0, 3);
  const AlignedFloats bias2_ = tensor(562368, kSecond);
  const AlignedFloats conv3_ = taps(562624, kSecond, kSecond, 1, 2);
  const AlignedFloats bias3_ = tensor(611776, kSecond);
  const AlignedFloats conv4_ = taps(612032, kHidden, kSecond, 1, 1);
  const AlignedFloats bias4_ = tensor(710336, kHidden);
  const AlignedFloats input_ = with_bias(transposed(tensor(710848, 4 * kHidden * kHidden), 4 * kHidden));
  const AlignedFloats recurrent_ = by_gate(972992);
  const AlignedFloats output_ = tensor(1239232, kHidden);
  const AlignedFloats output_bias_ = tensor(1239744, 1);
};

}  // namespace

std::unique_ptr<const SpeechDetector> silero_detector() { return std::make_unique<Silero>(); }

}  // namespace timbre
