#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "simd/bf16.h"
#include "simd/rows.h"

/// Passes over activations. Each does all there is to do between two matrix products, because an activation read once
/// more costs as much as the arithmetic on it.
namespace timbre::simd {

/// Bias, ReLU and batch norm, a value of each for every channel.
struct ReluNorm {
  std::vector<float> bias;
  std::vector<float> scale;
  std::vector<float> shift;
};

/// to = relu(from + bias) * scale + shift.
void relu_norm(ConstRows from, const ReluNorm& layer, Rows to);

/// The same of the channels from `first` on, rounded.
void relu_norm(ConstRows from, const ReluNorm& layer, std::size_t first, Bf16Rows to);

/// to = from + bias.
void add_bias(ConstRows from, std::span<const float> bias, Rows to);

/// to = from.
void copy(ConstRows from, Rows to);
void copy(ConstRows from, Bf16Rows to);
void copy(ConstBf16Rows from, Bf16Rows to);

/// to = x + y * gain, a gain for every channel; `to` may be x or y.
void add_scaled(ConstRows x, ConstRows y, std::span<const float> gain, Rows to);
void add_scaled(ConstBf16Rows x, ConstBf16Rows y, std::span<const float> gain, Bf16Rows to);

/// x = tanh(x).
void tanh(Rows x);

/// The frames that a convolution reads at output frame t: stride * t + dilation * (tap - taps / 2).
struct Window {
  std::size_t taps = 1;
  std::size_t dilation = 1;
  std::size_t stride = 1;
  bool reflect = true;  ///< at both ends of the utterance; otherwise zeros lie outside

  std::size_t reach() const { return taps / 2 * dilation; }
};

/// Frames of an utterance that are at hand: as many as there are rows, from this one on.
struct Extent {
  std::size_t first = 0;
  std::size_t frames = 0;  ///< of the whole utterance
};

/// A convolution's inputs side by side ("im2col"): row i of `to`, taps times as wide, holds the frames of output frame
/// first + i; of x + y, where y, of as many rows, is given. All of them are at hand.
void im2col(ConstRows x, ConstRows y, const Window& window, const Extent& extent, std::size_t first, Rows to);

/// A convolution's inputs one after the other: row i of `to` holds the frame of x + y that the first tap reads i frames
/// after that of output frame `first`, rounded. Channels of `to` beyond those of x become 0.
void line_up(ConstRows x, ConstRows y, const Window& window, const Extent& extent, std::size_t first, Bf16Rows to);
void line_up(ConstBf16Rows x, ConstBf16Rows y, const Window& window, const Extent& extent, std::size_t first,
             Bf16Rows to);

}  // namespace timbre::simd
