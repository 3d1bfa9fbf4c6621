// Silero VAD (https://github.com/snakers4/silero-vad, MIT), 16 kHz branch: magnitudes of four windows per frame, four
// convolutions, an LSTM cell, a sigmoid. Frames meet only in the LSTM, so everything before it runs on many at a time.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numbers>

#include "features/real_fft.h"
#include "speech/matrix_product.h"
#include "speech/speech.h"

namespace timbre {

namespace {

constexpr int kRate = 16000;
constexpr std::size_t kFrame = 512;
constexpr std::size_t kContext = 64;  ///< samples of the frame before, and as many mirrored behind
constexpr std::size_t kWindow = 256;
constexpr std::size_t kStep = 128;
constexpr std::size_t kWindows = 4;
constexpr std::size_t kBins = kWindow / 2 + 1;
constexpr std::size_t kHidden = 128;
constexpr std::size_t kBlock = 48;  ///< frames at a time: their activations stay in the cache

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

using Floats = std::vector<float>;

Floats tensor(std::size_t offset, std::size_t count) {
  Floats values(count);
  std::memcpy(values.data(), timbre_silero_weights + offset, count * sizeof(float));
  return values;
}

/// Of a convolution's weights [out][in][3] the taps from `first` on, as [tap][in][out] for multiply().
Floats taps(std::size_t offset, std::size_t out, std::size_t in, std::size_t first, std::size_t count) {
  const Floats weights = tensor(offset, out * in * 3);
  Floats result(count * in * out);
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
Floats transposed(const Floats& values, std::size_t rows, std::size_t cols) {
  Floats result(values.size());
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < cols; ++c) result[c * rows + r] = values[r * cols + c];
  }
  return result;
}

void rectify(std::span<float> values) {
  for (float& x : values) x = std::max(x, 0.0F);
}

float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

/// exp() within 1e-7 relative, in a form that compilers turn into vectors: 2^n times a polynomial on [-ln 2 / 2, ln 2 /
/// 2].
float fast_exp(float x) {
  const float clamped = std::min(std::max(x, -80.0F), 80.0F);
  constexpr float kRounding = 12582912.0F;  // 1.5 * 2^23
  const float shifted = clamped * 1.44269504F + kRounding;
  const float n = shifted - kRounding;
  const float r = (clamped - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1;
  return std::bit_cast<float>(std::bit_cast<std::int32_t>(p) + (std::bit_cast<std::int32_t>(shifted) << 23));
}

void sigmoids(std::span<float> values) {
  for (float& x : values) x = 1 / (1 + fast_exp(-x));
}

void tangents(std::span<float> values) {
  for (float& x : values) x = 2 / (1 + fast_exp(-2 * x)) - 1;
}

class Silero final : public SpeechDetector {
 public:
  Silero() {
    for (std::size_t i = 0; i < kWindow; ++i) {
      window_[i] = static_cast<float>(0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / kWindow));
    }
    const Floats recurrent_bias = tensor(1237184, 4 * kHidden);
    for (std::size_t i = 0; i < lstm_bias_.size(); ++i) lstm_bias_[i] += recurrent_bias[i];
  }

  int sample_rate() const override { return kRate; }
  std::size_t frame() const override { return kFrame; }

  std::vector<float> probabilities(std::span<const float> samples) const override {
    const std::size_t frames = (samples.size() + kFrame - 1) / kFrame;
    std::vector<float> result;
    result.reserve(frames);
    Scratch scratch;
    for (std::size_t first = 0; first < frames; first += kBlock) {
      const std::size_t count = std::min(kBlock, frames - first);
      for (std::size_t f = 0; f < count; ++f) magnitudes(samples, first + f, f, scratch);
      encode(count, scratch);
      remember(count, scratch, result);
    }
    return result;
  }

 private:
  /// Activations of a block, [frame][time][channel], with a zero at each end of time where a convolution pads.
  struct Scratch {
    RealFft fft{static_cast<int>(kWindow)};
    std::array<float, kContext + kFrame + kContext> samples{};
    std::array<float, kWindow> windowed{};
    Floats spectrum = Floats(kBlock * 6 * kBins);
    Floats first = Floats(kBlock * 6 * 128);
    Floats second = Floats(kBlock * 2 * 64);
    Floats third = Floats(kBlock * 64);
    Floats fourth = Floats(kBlock * kHidden);
    Floats gates = Floats(kBlock * 4 * kHidden);
    std::array<float, kHidden> h{};
    std::array<float, kHidden> c{};
  };

  void magnitudes(std::span<const float> all, std::size_t frame, std::size_t place, Scratch& scratch) const {
    auto& padded = scratch.samples;
    const std::size_t start = frame * kFrame;
    const std::size_t there = std::min(kFrame, all.size() - start);
    padded.fill(0);
    if (frame > 0) std::copy_n(all.begin() + static_cast<long>(start - kContext), kContext, padded.begin());
    std::copy_n(all.begin() + static_cast<long>(start), there, padded.begin() + kContext);
    constexpr std::size_t kEnd = kContext + kFrame;
    for (std::size_t i = 0; i < kContext; ++i) padded[kEnd + i] = padded[kEnd - 2 - i];
    float* out = scratch.spectrum.data() + (place * 6 + 1) * kBins;
    for (std::size_t w = 0; w < kWindows; ++w, out += kBins) {
      for (std::size_t i = 0; i < kWindow; ++i) scratch.windowed[i] = padded[w * kStep + i] * window_[i];
      scratch.fft.power(scratch.windowed, {out, kBins});
      for (std::size_t k = 0; k < kBins; ++k) out[k] = std::sqrt(out[k]);
    }
  }

  void encode(std::size_t count, Scratch& s) const {
    for (std::size_t f = 0; f < count; ++f) {
      multiply(s.spectrum.data() + f * 6 * kBins, 4, kBins, 3 * kBins, conv1_.data(), 128, bias1_.data(),
               s.first.data() + (f * 6 + 1) * 128, 128);
    }
    // The zeros at the ends stay zero.
    rectify(std::span(s.first).first(count * 6 * 128));
    // Every other time: taps around 0 and 2 of four, then the last two of (none, 0, 1), then the middle one.
    for (std::size_t t = 0; t < 2; ++t) {
      multiply(s.first.data() + 2 * t * 128, count, 6 * 128, 3 * 128, conv2_.data(), 64, bias2_.data(),
               s.second.data() + t * 64, 2 * 64);
    }
    rectify(std::span(s.second).first(count * 2 * 64));
    multiply(s.second.data(), count, 2 * 64, 2 * 64, conv3_.data(), 64, bias3_.data(), s.third.data(), 64);
    rectify(std::span(s.third).first(count * 64));
    multiply(s.third.data(), count, 64, 64, conv4_.data(), kHidden, bias4_.data(), s.fourth.data(), kHidden);
    rectify(std::span(s.fourth).first(count * kHidden));
    multiply(s.fourth.data(), count, kHidden, kHidden, input_.data(), 4 * kHidden, lstm_bias_.data(), s.gates.data(),
             4 * kHidden);
  }

  void remember(std::size_t count, Scratch& s, std::vector<float>& result) const {
    std::array<float, 4 * kHidden> gates;  // input, forget, cell, output
    std::array<float, kHidden> squashed;
    for (std::size_t f = 0; f < count; ++f) {
      multiply(s.h.data(), 1, kHidden, kHidden, recurrent_.data(), 4 * kHidden, s.gates.data() + f * 4 * kHidden,
               gates.data(), 4 * kHidden);
      sigmoids(std::span(gates).first(2 * kHidden));
      tangents(std::span(gates).subspan(2 * kHidden, kHidden));
      sigmoids(std::span(gates).last(kHidden));
      for (std::size_t i = 0; i < kHidden; ++i) {
        s.c[i] = gates[kHidden + i] * s.c[i] + gates[i] * gates[2 * kHidden + i];
      }
      squashed = s.c;
      tangents(squashed);
      float sum = output_bias_[0];
      for (std::size_t i = 0; i < kHidden; ++i) {
        s.h[i] = gates[3 * kHidden + i] * squashed[i];
        sum += output_[i] * std::max(s.h[i], 0.0F);
      }
      result.push_back(sigmoid(sum));
    }
  }

  std::array<float, kWindow> window_{};
  const Floats conv1_ = taps(265408, 128, kBins, 0, 3);
  const Floats bias1_ = tensor(463552, 128);
  const Floats conv2_ = taps(464064, 64, 128, 0, 3);
  const Floats bias2_ = tensor(562368, 64);
  const Floats conv3_ = taps(562624, 64, 64, 1, 2);
  const Floats bias3_ = tensor(611776, 64);
  const Floats conv4_ = taps(612032, kHidden, 64, 1, 1);
  const Floats bias4_ = tensor(710336, kHidden);
  const Floats input_ = transposed(tensor(710848, 4 * kHidden * kHidden), 4 * kHidden, kHidden);
  const Floats recurrent_ = transposed(tensor(972992, 4 * kHidden * kHidden), 4 * kHidden, kHidden);
  Floats lstm_bias_ = tensor(1235136, 4 * kHidden);
  const Floats output_ = tensor(1239232, kHidden);
  const Floats output_bias_ = tensor(1239744, 1);
};

}  // namespace

std::unique_ptr<const SpeechDetector> silero_detector() { return std::make_unique<Silero>(); }

}  // namespace timbre
