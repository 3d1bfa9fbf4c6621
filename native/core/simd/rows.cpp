#include "simd/rows.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "support/exponential.h"

// Loops over channels are written for compilers to turn into vectors; each is compiled for three kinds of processor.
#if defined(__x86_64__)
#define TIMBRE_VECTORS __attribute__((target_clones("avx512f", "arch=haswell", "default")))
#else
#define TIMBRE_VECTORS
#endif
#define TIMBRE_INLINE inline __attribute__((always_inline))
// Before a loop whose output may be one of its inputs; clang asks when it runs.
#if defined(__clang__)
#define TIMBRE_IN_PLACE
#else
#define TIMBRE_IN_PLACE _Pragma("GCC ivdep")
#endif

namespace timbre {

namespace {

/// Rows whose sums are taken in float.
constexpr std::size_t kFew = 128;

/// What is lower than this has no exponential that is a normal number.
TIMBRE_INLINE float exponential_or_less(float x) { return exponential(x < -87 ? -87 : x); }

TIMBRE_VECTORS void activate_row(const float* __restrict from, const float* __restrict bias,
                                 const float* __restrict scale, const float* __restrict shift, std::size_t n,
                                 float* __restrict to) {
  for (std::size_t c = 0; c < n; ++c) {
    const float x = from[c] + bias[c];
    to[c] = (x < 0 ? 0 : x) * scale[c] + shift[c];  // what is no number stays so
  }
}

TIMBRE_VECTORS void add_bias_row(const float* __restrict from, const float* __restrict bias, std::size_t n,
                                 float* __restrict to) {
  for (std::size_t c = 0; c < n; ++c) {
    to[c] = from[c] + bias[c];
  }
}

TIMBRE_VECTORS void add_scaled_row(const float* x, const float* y, const float* __restrict gain, std::size_t n,
                                   float* to) {
  TIMBRE_IN_PLACE
  for (std::size_t c = 0; c < n; ++c) {
    to[c] = x[c] + y[c] * gain[c];
  }
}

TIMBRE_VECTORS void add_row(const float* __restrict x, const float* __restrict y, std::size_t n, float* __restrict to) {
  for (std::size_t c = 0; c < n; ++c) {
    to[c] = x[c] + y[c];
  }
}

TIMBRE_VECTORS void sum_rows(const float* __restrict x, std::size_t rows, std::size_t step, std::size_t n,
                             const float* __restrict centre, float* __restrict sums, float* __restrict squares) {
  for (std::size_t r = 0; r < rows; ++r, x += step) {
    for (std::size_t c = 0; c < n; ++c) {
      const float d = x[c] - centre[c];
      sums[c] += d;
      squares[c] += d * d;
    }
  }
}

TIMBRE_VECTORS void raise_rows(const float* __restrict scores, std::size_t rows, std::size_t step, std::size_t n,
                               float* __restrict highest) {
  for (std::size_t r = 0; r < rows; ++r, scores += step) {
    for (std::size_t c = 0; c < n; ++c) {
      highest[c] = scores[c] > highest[c] ? scores[c] : highest[c];
    }
  }
}

TIMBRE_VECTORS void weigh_rows(const float* __restrict scores, std::size_t scores_step, const float* __restrict x,
                               std::size_t step, std::size_t rows, std::size_t n, const float* __restrict highest,
                               const float* __restrict centre, float* __restrict weights, float* __restrict sums,
                               float* __restrict squares) {
  for (std::size_t r = 0; r < rows; ++r, scores += scores_step, x += step) {
    for (std::size_t c = 0; c < n; ++c) {
      const float weight = exponential_or_less(scores[c] - highest[c]);
      const float d = x[c] - centre[c];
      weights[c] += weight;
      sums[c] += weight * d;
      squares[c] += weight * d * d;
    }
  }
}

TIMBRE_VECTORS void squash_row(float* x, std::size_t n) {
  for (std::size_t c = 0; c < n; ++c) {
    // Of the smaller power: it cannot overflow.
    const float magnitude = x[c] < 0 ? -x[c] : x[c];
    const float power = exponential_or_less(-2 * magnitude);
    const float y = (1 - power) / (1 + power);
    x[c] = x[c] < 0 ? -y : y;
  }
}

TIMBRE_VECTORS void widen_range(const float* __restrict x, std::size_t n, float* __restrict low, float* __restrict high,
                                float* __restrict fault) {
  for (std::size_t c = 0; c < n; ++c) {
    low[c] = x[c] < low[c] ? x[c] : low[c];
    high[c] = x[c] > high[c] ? x[c] : high[c];
    fault[c] += x[c] - x[c];  // 0 of what is finite
  }
}

TIMBRE_VECTORS void quantise_row(const float* __restrict x, std::size_t n, float scale, float zero, float highest,
                                 std::uint8_t* __restrict to) {
  constexpr float kRounder = 12582912;
  for (std::size_t c = 0; c < n; ++c) {
    float y = x[c] * scale + zero;
    y = y < 0 ? 0 : y;
    y = y > highest ? highest : y;
    to[c] = static_cast<std::uint8_t>(std::bit_cast<std::uint32_t>(y + kRounder));
  }
}

/// The frame at `at`, mirrored at the ends; nothing where zeros belong.
const float* frame_at(ConstRows x, std::ptrdiff_t at, bool reflect) {
  const auto last = static_cast<std::ptrdiff_t>(x.count) - 1;
  if (at < 0 || at > last) {
    if (!reflect) {
      return nullptr;
    }
    at = std::abs(at);
    at = at > last ? std::max<std::ptrdiff_t>(2 * last - at, 0) : at;
  }
  return x.row(static_cast<std::size_t>(at));
}

}  // namespace

void activate(ConstRows from, const Activation& activation, Rows to) {
  const auto& [bias, scale, shift] = activation;
  for (std::size_t r = 0; r < from.count; ++r) {
    activate_row(from.row(r), bias.data(), scale.data(), shift.data(), from.width, to.row(r));
  }
}

void add_bias(ConstRows from, std::span<const float> bias, Rows to) {
  for (std::size_t r = 0; r < from.count; ++r) {
    add_bias_row(from.row(r), bias.data(), from.width, to.row(r));
  }
}

void copy(ConstRows from, Rows to) {
  for (std::size_t r = 0; r < from.count; ++r) {
    std::copy_n(from.row(r), from.width, to.row(r));
  }
}

void add_scaled(ConstRows x, ConstRows y, std::span<const float> gain, Rows to) {
  for (std::size_t r = 0; r < x.count; ++r) {
    add_scaled_row(x.row(r), y.row(r), gain.data(), x.width, to.row(r));
  }
}

void gather(ConstRows x, ConstRows y, const Window& window, std::size_t first, Rows to) {
  for (std::size_t r = 0; r < to.count; ++r) {
    const auto start = static_cast<std::ptrdiff_t>((first + r) * window.stride);
    for (std::size_t tap = 0; tap < window.taps; ++tap) {
      const std::ptrdiff_t at =
          start + static_cast<std::ptrdiff_t>(tap * window.dilation) - static_cast<std::ptrdiff_t>(window.reach());
      float* const slot = to.row(r) + tap * x.width;
      const float* const frame = frame_at(x, at, window.reflect);
      if (frame == nullptr) {
        std::fill_n(slot, x.width, 0.0F);
      } else if (y.data == nullptr) {
        std::copy_n(frame, x.width, slot);
      } else {
        add_row(frame, frame_at(y, at, window.reflect), x.width, slot);
      }
    }
  }
}

Moments::Moments(std::size_t channels)
    : means_(channels), squares_(channels), sums_(channels), sums_of_squares_(channels) {}

void Moments::add(ConstRows rows) {
  for (std::size_t first = 0; first < rows.count; first += kFew) {
    add_few(rows.part(first, std::min(kFew, rows.count - first)));
  }
}

void Moments::add_few(ConstRows rows) {
  std::ranges::fill(sums_, 0.0F);
  std::ranges::fill(sums_of_squares_, 0.0F);
  // Relative to their first row, so that squares lose nothing to the mean.
  sum_rows(rows.data, rows.count, rows.step, rows.width, rows.data, sums_.data(), sums_of_squares_.data());
  const auto before = static_cast<double>(count_);
  const auto added = static_cast<double>(rows.count);
  for (std::size_t c = 0; c < rows.width; ++c) {
    const double sum = sums_[c];
    const double offset = rows.data[c] + sum / added - means_[c];
    squares_[c] += sums_of_squares_[c] - sum * sum / added + offset * offset * before * added / (before + added);
    means_[c] += offset * added / (before + added);
  }
  count_ += rows.count;
}

std::vector<float> Moments::means() const { return {means_.begin(), means_.end()}; }

std::vector<double> Moments::squares() const { return squares_; }

WeightedMoments::WeightedMoments(std::span<const float> centres)
    : centres_(centres),
      highest_(centres.size(), -std::numeric_limits<float>::infinity()),
      highest_before_(centres.size()),
      weights_(centres.size()),
      sums_(centres.size()),
      sums_of_squares_(centres.size()),
      weight_(centres.size()),
      sum_(centres.size()),
      square_(centres.size()) {}

void WeightedMoments::add(ConstRows scores, ConstRows values) {
  for (std::size_t first = 0; first < scores.count; first += kFew) {
    const std::size_t count = std::min(kFew, scores.count - first);
    add_few(scores.part(first, count), values.part(first, count));
  }
}

void WeightedMoments::add_few(ConstRows scores, ConstRows values) {
  const std::size_t channels = centres_.size();
  std::ranges::copy(highest_, highest_before_.begin());
  raise_rows(scores.data, scores.count, scores.step, channels, highest_.data());
  for (auto* sums : {&weights_, &sums_, &sums_of_squares_}) {
    std::ranges::fill(*sums, 0.0F);
  }
  weigh_rows(scores.data, scores.step, values.data, values.step, scores.count, channels, highest_.data(),
             centres_.data(), weights_.data(), sums_.data(), sums_of_squares_.data());
  for (std::size_t c = 0; c < channels; ++c) {
    const double scale = std::exp(static_cast<double>(highest_before_[c]) - highest_[c]);
    weight_[c] = weight_[c] * scale + weights_[c];
    sum_[c] = sum_[c] * scale + sums_[c];
    square_[c] = square_[c] * scale + sums_of_squares_[c];
  }
}

float WeightedMoments::mean(std::size_t c) const { return centres_[c] + static_cast<float>(sum_[c] / weight_[c]); }

float WeightedMoments::variance(std::size_t c) const {
  const double mean = sum_[c] / weight_[c];
  return static_cast<float>(square_[c] / weight_[c] - mean * mean);
}

void squash(Rows x) {
  for (std::size_t r = 0; r < x.count; ++r) {
    squash_row(x.row(r), x.width);
  }
}

Range range(ConstRows x) {
  std::vector<float> low(x.width);
  std::vector<float> high(x.width);
  std::vector<float> fault(x.width);
  for (std::size_t r = 0; r < x.count; ++r) {
    widen_range(x.row(r), x.width, low.data(), high.data(), fault.data());
  }
  const float none = std::accumulate(fault.begin(), fault.end(), 0.0F);
  return {std::ranges::min(low) + none, std::ranges::max(high) + none};
}

void quantise(ConstRows x, float scale, std::int32_t zero, std::int32_t highest, std::uint8_t* to) {
  for (std::size_t r = 0; r < x.count; ++r, to += x.width) {
    quantise_row(x.row(r), x.width, scale, static_cast<float>(zero), static_cast<float>(highest), to);
  }
}

}  // namespace timbre
