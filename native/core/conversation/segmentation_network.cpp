#include "conversation/segmentation_network.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>

#include "simd/lstm.h"
#include "simd/matrix.h"

namespace timbre::conversation {

namespace {

using simd::AlignedFloats;

constexpr std::size_t kTaps = 251;
constexpr std::size_t kHalf = kTaps / 2;
constexpr std::size_t kStride = 10;
constexpr std::size_t kPairs = 40;
constexpr std::size_t kFilters = 2 * kPairs;
constexpr std::size_t kChannels = 60;
constexpr std::size_t kKernel = 5;
constexpr std::size_t kPool = 3;
constexpr std::size_t kUnits = simd::kLstmUnits;
constexpr std::size_t kGates = 4 * kUnits;
constexpr std::size_t kHidden = 128;
constexpr double kLowestHz = 50;
constexpr double kNarrowestHz = 50;
constexpr double kEpsilon = 1e-5;
constexpr float kLeak = 0.01F;
/// Of the classifier, with one that is nobody's: matrix products want an even number.
constexpr std::size_t kClassRows = kClasses + 1;

constexpr std::size_t kFiltered = (kWindowSamples - kTaps) / kStride + 1;
constexpr std::size_t kFirst = kFiltered / kPool;
constexpr std::size_t kSecond = (kFirst - kKernel + 1) / kPool;
constexpr std::size_t kThird = (kSecond - kKernel + 1) / kPool;
static_assert(kThird == kWindowFrames);

/// Results of a convolution at a time: whole vectors, and whole groups that are pooled. Their inputs stay in the cache.
constexpr std::size_t kTile = 96;
static_assert(kTile % kPool == 0 && kTile % 16 == 0);
/// Frames as matrix products want them.
constexpr std::size_t kPaddedFrames = (kWindowFrames + 15) / 16 * 16;
/// Samples of each of the window's kStride phases, and what the last tile reads beyond.
constexpr std::size_t kPhase = kWindowSamples / kStride + kTile + kTaps / kStride + 1;

/// Channels over time, with room for what a last tile reads or writes beyond.
struct Channels {
  Channels(std::size_t channels, std::size_t time)
      : count(channels), length(time), step(time + kTile + kKernel), values(channels * step) {}

  float* row(std::size_t channel) { return values.data() + channel * step; }
  const float* row(std::size_t channel) const { return values.data() + channel * step; }

  std::size_t count;
  std::size_t length;
  std::size_t step;
  AlignedFloats values;
};

struct MeanAndScale {
  float mean = 0;
  float scale = 0;  ///< 1 / standard deviation
};

/// Over `count` values, with the variance of those there are.
MeanAndScale measure(const float* values, std::size_t count) {
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += values[i];
  const double mean = sum / static_cast<double>(count);
  double squares = 0;
  for (std::size_t i = 0; i < count; ++i) squares += (values[i] - mean) * (values[i] - mean);
  const double variance = squares / static_cast<double>(count);
  return {static_cast<float>(mean), static_cast<float>(1 / std::sqrt(variance + kEpsilon))};
}

float leaky(float x) { return x >= 0 ? x : kLeak * x; }

/// Instance norm, then leaky ReLU.
template <typename Norm>
void normalise(Channels& x, const Norm& norm) {
  for (std::size_t c = 0; c < x.count; ++c) {
    float* row = x.row(c);
    const auto [mean, scale] = measure(row, x.length);
    const float gain = scale * norm.weight[c];
    for (std::size_t t = 0; t < x.length; ++t) row[t] = leaky((row[t] - mean) * gain + norm.bias[c]);
  }
}

/// The largest of every kPool results of a tile.
void pool(const float* tile, std::size_t channels, std::size_t first, Channels& to) {
  const std::size_t from = first / kPool;
  const std::size_t count = std::min(kTile / kPool, to.length - from);
  for (std::size_t c = 0; c < channels; ++c, tile += kTile) {
    float* row = to.row(c) + from;
    for (std::size_t i = 0; i < count; ++i) {
      row[i] = std::max(std::max(tile[kPool * i], tile[kPool * i + 1]), tile[kPool * i + 2]);
    }
  }
}

void pool_magnitudes(float* tile, std::size_t channels, std::size_t first, Channels& to) {
  for (std::size_t i = 0; i < channels * kTile; ++i) tile[i] = std::abs(tile[i]);
  pool(tile, channels, first, to);
}

bool is_finite(const Channels& x) {
  for (std::size_t c = 0; c < x.count; ++c) {
    if (!std::all_of(x.row(c), x.row(c) + x.length, [](float value) { return std::isfinite(value); })) return false;
  }
  return true;
}

Error not_finite() { return {ErrorCode::INFERENCE_FAILED, "the segmentation network gave values that are not finite"}; }

/// The window normalised, its samples kStride apart side by side: [phase][kPhase].
AlignedFloats phases(std::span<const float> window, float weight, float bias) {
  const auto [mean, scale] = measure(window.data(), window.size());
  const float gain = scale * weight;
  AlignedFloats result(kStride * kPhase);
  for (std::size_t i = 0; i < window.size(); ++i) {
    result[i % kStride * kPhase + i / kStride] = (window[i] - mean) * gain + bias;
  }
  return result;
}

/// [rows][columns] -> [columns][rows].
AlignedFloats transposed(const std::vector<float>& values, std::size_t rows) {
  const std::size_t columns = values.size() / rows;
  AlignedFloats result(values.size());
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) result[c * rows + r] = values[r * columns + c];
  }
  return result;
}

/// weights^T x + bias, over all of the padded time.
template <typename Layer>
void multiply(const Layer& layer, const AlignedFloats& x, std::size_t inputs, std::size_t outputs, AlignedFloats& to) {
  simd::multiply({.left = layer.weights.data(),
                  .left_step = outputs,
                  .right = x.data(),
                  .right_step = kPaddedFrames,
                  .depth = inputs,
                  .rows = outputs,
                  .columns = kPaddedFrames,
                  .out = to.data(),
                  .out_step = kPaddedFrames,
                  .bias = layer.bias.data()});
}

bool has(const SegmentationWeights::Affine& affine, std::size_t weight, std::size_t bias) {
  return affine.weight.size() == weight && affine.bias.size() == bias;
}

/// Whether every tensor has the size of segmentation-3.0's.
bool has_published_sizes(const SegmentationWeights& w) {
  bool good = has(w.wave_norm, 1, 1) && w.low_hz.size() == kPairs && w.band_hz.size() == kPairs &&
              has(w.norms[0], kFilters, kFilters) && has(w.norms[1], kChannels, kChannels) &&
              has(w.norms[2], kChannels, kChannels) &&
              has(w.convolutions[0], kChannels * kFilters * kKernel, kChannels) &&
              has(w.convolutions[1], kChannels * kChannels * kKernel, kChannels) &&
              has(w.linear[0], kHidden * 2 * kUnits, kHidden) && has(w.linear[1], kHidden * kHidden, kHidden) &&
              has(w.classifier, kClasses * kHidden, kClasses);
  for (std::size_t layer = 0; layer < w.lstm.size(); ++layer) {
    const std::size_t inputs = layer == 0 ? kChannels : 2 * kUnits;
    for (const auto& one : w.lstm[layer]) {
      good = good && one.weight_ih.size() == kGates * inputs && one.weight_hh.size() == kGates * kUnits &&
             one.bias_ih.size() == kGates && one.bias_hh.size() == kGates;
    }
  }
  return good;
}

}  // namespace

std::vector<double> sinc_filters(std::span<const float> low_hz, std::span<const float> band_hz) {
  constexpr double kPi = std::numbers::pi;
  const std::size_t pairs = low_hz.size();
  std::vector<double> filters(2 * pairs * kTaps);
  for (std::size_t p = 0; p < pairs; ++p) {
    const double first = kLowestHz + std::abs(static_cast<double>(low_hz[p]));
    const double second = std::clamp(first + kNarrowestHz + std::abs(static_cast<double>(band_hz[p])), kLowestHz,
                                     static_cast<double>(kSampleRate) / 2);
    double* even = filters.data() + p * kTaps;
    double* odd = even + pairs * kTaps;
    even[kHalf] = 1;
    for (std::size_t tap = 0; tap < kHalf; ++tap) {
      const double time = (static_cast<double>(tap) - static_cast<double>(kHalf)) / kSampleRate;
      const double hamming = 0.54 - 0.46 * std::cos(2 * kPi * static_cast<double>(tap) / (kTaps - 1));
      const double scale = hamming / (kPi * time) / (2 * (second - first));
      even[tap] = even[kTaps - 1 - tap] =
          (std::sin(2 * kPi * second * time) - std::sin(2 * kPi * first * time)) * scale;
      odd[tap] = (std::cos(2 * kPi * first * time) - std::cos(2 * kPi * second * time)) * scale;
      odd[kTaps - 1 - tap] = -odd[tap];
    }
  }
  return filters;
}

Result<std::unique_ptr<const SegmentationNetwork>> SegmentationNetwork::create(const SegmentationWeights& weights) {
  std::unique_ptr<SegmentationNetwork> network(new SegmentationNetwork());
  if (auto filled = network->fill(weights); !filled) return std::move(filled).error();
  return std::unique_ptr<const SegmentationNetwork>(std::move(network));
}

Status SegmentationNetwork::fill(const SegmentationWeights& w) {
  if (!has_published_sizes(w)) {
    return Error{ErrorCode::MODEL_INVALID,
                 "its tensors have other sizes than those of segmentation-3.0, the one network that is supported"};
  }
  const auto as_norm = [](const SegmentationWeights::Affine& affine) { return Norm{affine.weight, affine.bias}; };
  wave_norm_ = as_norm(w.wave_norm);
  std::ranges::transform(w.norms, norms_.begin(), as_norm);

  const std::vector<double> filters = sinc_filters(w.low_hz, w.band_hz);
  even_.resize((kHalf + 1) * kPairs);
  odd_.resize(kHalf * kPairs);
  for (std::size_t p = 0; p < kPairs; ++p) {
    for (std::size_t tap = 0; tap <= kHalf; ++tap) {
      even_[tap * kPairs + p] = static_cast<float>(filters[p * kTaps + tap]);
      if (tap < kHalf) odd_[tap * kPairs + p] = static_cast<float>(filters[(kPairs + p) * kTaps + tap]);
    }
  }
  for (std::size_t i = 0; i < convolutions_.size(); ++i) {
    convolutions_[i] = {transposed(w.convolutions[i].weight, kChannels), w.convolutions[i].bias};
  }
  for (std::size_t i = 0; i < linear_.size(); ++i) {
    linear_[i] = {transposed(w.linear[i].weight, kHidden), w.linear[i].bias};
  }
  std::vector<float> classes = w.classifier.weight;
  classes.resize(kClassRows * kHidden);
  classifier_ = {transposed(classes, kClassRows), w.classifier.bias};
  classifier_.bias.resize(kClassRows);

  for (std::size_t layer = 0; layer < lstm_.size(); ++layer) {
    for (std::size_t d = 0; d < 2; ++d) {
      const SegmentationWeights::Direction& from = w.lstm[layer][d];
      Direction& to = lstm_[layer][d];
      to.input = transposed(from.weight_ih, kGates);
      for (std::size_t i = 0; i < kGates; ++i) to.input.push_back(from.bias_ih[i] + from.bias_hh[i]);
      to.recurrent.resize(kGates * kUnits);
      for (std::size_t gate = 0; gate < 4; ++gate) {
        for (std::size_t unit = 0; unit < kUnits; ++unit) {
          for (std::size_t by = 0; by < kUnits; ++by) {
            to.recurrent[(gate * kUnits + by) * kUnits + unit] = from.weight_hh[(gate * kUnits + unit) * kUnits + by];
          }
        }
      }
    }
  }
  return ok();
}

Result<std::vector<std::vector<float>>> SegmentationNetwork::log_probabilities(
    std::span<const std::vector<float>> windows, const Interrupt& interrupt) const {
  if (windows.size() > kMostWindows) {
    return Error{ErrorCode::INVALID_ARGUMENT,
                 std::to_string(windows.size()) + " windows at a time; at most " + std::to_string(kMostWindows)};
  }
  std::vector<Pass> passes;
  for (const auto& window : windows) {
    if (window.size() != kWindowSamples) {
      return Error{ErrorCode::INVALID_ARGUMENT, "a window has " + std::to_string(window.size()) + " samples where " +
                                                    std::to_string(kWindowSamples) + " belong"};
    }
    auto x = convolve(window, interrupt);
    if (!x) return std::move(x).error();
    passes.push_back(
        {std::move(x).value(), AlignedFloats((2 * kUnits + 1) * kPaddedFrames), AlignedFloats(kPaddedFrames * kGates)});
  }
  if (auto done = recur(passes, interrupt); !done) return std::move(done).error();
  std::vector<std::vector<float>> results;
  for (Pass& pass : passes) {
    auto result = classify(pass);
    if (!result) return std::move(result).error();
    results.push_back(std::move(result).value());
  }
  return results;
}

/// A window -> what the LSTM hears: [2 * kUnits + 1][kPaddedFrames], of which kChannels are filled.
Result<AlignedFloats> SegmentationNetwork::convolve(std::span<const float> window, const Interrupt& interrupt) const {
  constexpr std::size_t kTilesBetweenLooks = 16;

  Channels first(kFilters, kFirst);
  {
    const AlignedFloats wave = phases(window, wave_norm_.weight[0], wave_norm_.bias[0]);
    const auto tap_row = [&](std::size_t tap, std::size_t from) {
      return wave.data() + tap % kStride * kPhase + tap / kStride + from;
    };
    AlignedFloats sums((kHalf + 1) * kTile);
    AlignedFloats differences(kHalf * kTile);
    AlignedFloats filtered(kFilters * kTile);
    for (std::size_t from = 0; from < kFirst * kPool; from += kTile) {
      if (from % (kTilesBetweenLooks * kTile) == 0) {
        if (auto stop = interrupt.check()) return *std::move(stop);
      }
      for (std::size_t tap = 0; tap < kHalf; ++tap) {
        const float* left = tap_row(tap, from);
        const float* right = tap_row(kTaps - 1 - tap, from);
        float* sum = sums.data() + tap * kTile;
        float* difference = differences.data() + tap * kTile;
        for (std::size_t i = 0; i < kTile; ++i) {
          sum[i] = left[i] + right[i];
          difference[i] = left[i] - right[i];
        }
      }
      std::copy_n(tap_row(kHalf, from), kTile, sums.data() + kHalf * kTile);
      simd::MatrixProduct product{.left = even_.data(),
                                  .left_step = kPairs,
                                  .right = sums.data(),
                                  .right_step = kTile,
                                  .depth = kHalf + 1,
                                  .rows = kPairs,
                                  .columns = kTile,
                                  .out = filtered.data(),
                                  .out_step = kTile};
      simd::multiply(product);
      product.left = odd_.data();
      product.right = differences.data();
      product.depth = kHalf;
      product.out = filtered.data() + kPairs * kTile;
      simd::multiply(product);
      pool_magnitudes(filtered.data(), kFilters, from, first);
    }
  }
  normalise(first, norms_[0]);

  Channels second(kChannels, kSecond);
  Channels third(kChannels, kThird);
  const auto convolve = [&](const Layer& layer, const Channels& x, Channels& to) {
    AlignedFloats inputs(x.count * kKernel * kTile);
    AlignedFloats outputs(kChannels * kTile);
    for (std::size_t from = 0; from < to.length * kPool; from += kTile) {
      float* row = inputs.data();
      for (std::size_t c = 0; c < x.count; ++c) {
        for (std::size_t tap = 0; tap < kKernel; ++tap, row += kTile) std::copy_n(x.row(c) + from + tap, kTile, row);
      }
      simd::multiply({.left = layer.weights.data(),
                      .left_step = kChannels,
                      .right = inputs.data(),
                      .right_step = kTile,
                      .depth = x.count * kKernel,
                      .rows = kChannels,
                      .columns = kTile,
                      .out = outputs.data(),
                      .out_step = kTile,
                      .bias = layer.bias.data()});
      pool(outputs.data(), kChannels, from, to);
    }
  };
  convolve(convolutions_[0], first, second);
  normalise(second, norms_[1]);
  convolve(convolutions_[1], second, third);
  normalise(third, norms_[2]);
  // The LSTM takes whatever is no number for one.
  if (!is_finite(third)) return not_finite();

  AlignedFloats x((2 * kUnits + 1) * kPaddedFrames);
  for (std::size_t c = 0; c < kChannels; ++c) {
    std::copy_n(third.row(c), kWindowFrames, x.data() + c * kPaddedFrames);
  }
  return x;
}

/// Through the LSTM's layers, the windows in step.
Status SegmentationNetwork::recur(std::span<Pass> passes, const Interrupt& interrupt) const {
  std::size_t inputs = kChannels;
  for (const auto& layer : lstm_) {
    for (std::size_t d = 0; d < 2; ++d) {
      for (Pass& pass : passes) {
        if (auto stop = interrupt.check()) return *std::move(stop);
        // Behind the channels one of ones, for the biases.
        std::fill_n(pass.x.data() + inputs * kPaddedFrames, kPaddedFrames, 1.0F);
        simd::multiply({.left = pass.x.data(),
                        .left_step = kPaddedFrames,
                        .right = layer[d].input.data(),
                        .right_step = kGates,
                        .depth = inputs + 1,
                        .rows = kPaddedFrames,
                        .columns = kGates,
                        .out = pass.gates.data(),
                        .out_step = kGates});
      }
      if (auto stop = interrupt.check()) return *std::move(stop);
      std::array<std::array<float, kUnits>, kMostWindows> hidden{};
      std::array<std::array<float, kUnits>, kMostWindows> cell{};
      std::array<simd::LstmStream, kMostWindows> streams{};
      for (std::size_t step = 0; step < kWindowFrames; ++step) {
        const std::size_t t = d == 0 ? step : kWindowFrames - 1 - step;
        for (std::size_t i = 0; i < passes.size(); ++i) {
          streams[i] = {passes[i].gates.data() + t * kGates, hidden[i].data(), cell[i].data()};
        }
        simd::lstm_step(layer[d].recurrent.data(), std::span(streams).first(passes.size()));
        for (std::size_t i = 0; i < passes.size(); ++i) {
          float* to = passes[i].next.data() + d * kUnits * kPaddedFrames + t;
          for (std::size_t unit = 0; unit < kUnits; ++unit) to[unit * kPaddedFrames] = hidden[i][unit];
        }
      }
    }
    inputs = 2 * kUnits;
    for (Pass& pass : passes) std::swap(pass.x, pass.next);
  }
  return ok();
}

/// From the LSTM's last layer to logarithms of probabilities.
Result<std::vector<float>> SegmentationNetwork::classify(Pass& pass) const {
  auto& [x, next, gates] = pass;
  std::size_t inputs = 2 * kUnits;
  for (const Layer& layer : linear_) {
    multiply(layer, x, inputs, kHidden, next);
    std::ranges::transform(next, next.begin(), leaky);
    inputs = kHidden;
    std::swap(x, next);
  }
  multiply(classifier_, x, inputs, kClassRows, next);

  std::vector<float> result(kWindowFrames * kClasses);
  bool finite = true;
  for (std::size_t t = 0; t < kWindowFrames; ++t) {
    float* row = result.data() + t * kClasses;
    for (std::size_t c = 0; c < kClasses; ++c) row[c] = next[c * kPaddedFrames + t];
    const float most = *std::max_element(row, row + kClasses);
    float sum = 0;
    for (std::size_t c = 0; c < kClasses; ++c) sum += std::exp(row[c] - most);
    const float total = most + std::log(sum);
    finite = finite && std::isfinite(total);
    for (std::size_t c = 0; c < kClasses; ++c) row[c] -= total;
  }
  if (!finite) return not_finite();
  return result;
}

}  // namespace timbre::conversation
