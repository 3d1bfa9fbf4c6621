#include "features/centred_frames.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "simd/vectors.h"

namespace timbre {

CentredFrames::CentredFrames(std::size_t window_length, std::size_t points, std::size_t shift, Edge edge)
    : points_(points), shift_(shift), edge_(edge), offset_((points - window_length) / 2), window_(window_length) {
  for (std::size_t n = 0; n < window_length; ++n) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(n) / static_cast<double>(window_length);
    window_[n] = static_cast<float>(0.54 - 0.46 * std::cos(angle));
  }
}

std::size_t CentredFrames::samples_for(std::size_t frames) const {
  const std::size_t shortest = edge_ == Edge::reflect ? points_ / 2 + 1 : 1;
  return std::max(shortest, (std::max<std::size_t>(frames, 1) - 1) * shift_);
}

void CentredFrames::extract(std::span<const float> samples, std::size_t index, std::span<float> frame) const {
  const auto size = static_cast<std::ptrdiff_t>(samples.size());
  const auto start = static_cast<std::ptrdiff_t>(index * shift_ + offset_) - static_cast<std::ptrdiff_t>(points_ / 2);
  std::fill(frame.begin(), frame.end(), 0.0F);
  if (start >= 0 && start + static_cast<std::ptrdiff_t>(window_.size()) <= size) {
    simd::multiply(samples.subspan(static_cast<std::size_t>(start), window_.size()), window_, frame.subspan(offset_));
    return;
  }
  for (std::size_t n = 0; n < window_.size(); ++n) {
    std::ptrdiff_t at = start + static_cast<std::ptrdiff_t>(n);
    if (at < 0 || at >= size) {
      if (edge_ == Edge::zero) continue;
      at = at < 0 ? -at : 2 * (size - 1) - at;
    }
    frame[offset_ + n] = window_[n] * samples[at];
  }
}

}  // namespace timbre
