#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <memory>
#include <variant>
#include <vector>

#include "network/product.h"
#include "simd/bf16_matrix.h"
#include "simd/int8_matrix.h"
#include "simd/passes.h"
#include "simd/rows.h"

namespace timbre::network {

/// What layers need while they run; one for each thread.
struct LayerScratch {
  Product::Scratch product;
  simd::AlignedFloats gathered;
  simd::Bf16Matrix::Scratch sums;
  simd::Int8Matrix::Scratch int8;
  std::vector<simd::Bf16, simd::LineAllocator<simd::Bf16>> lined_up;
};

/// A layer over the frames of an utterance, whose activations are T: convolution, ReLU, batch norm. Weights in int8
/// multiply in int8 where the processor can and the layer has no neighbours, else as T does. Immutable: any thread may
/// use it. Throws what LibTorch throws.
template <typename T>
class FrameLayer;

/// Products in fp32.
template <>
class FrameLayer<float> {
 public:
  static constexpr std::size_t kRowsTogether = 1;
  /// Whether outputs may take their inputs' place.
  static constexpr bool kInPlace = true;

  /// weights: float32 or qint8 [outputs, taps * inputs].
  FrameLayer(const at::Tensor& weights, simd::ReluNorm relu_norm, simd::Window window);

  std::size_t inputs() const;
  std::size_t outputs() const;
  const simd::Window& window() const { return window_; }
  const simd::ReluNorm& relu_norm() const { return relu_norm_; }

  /// The layer's output frames from `first` on, as many as `to` has rows. x, and y that is added to it where it is
  /// given: the frames at hand.
  void convolve(simd::ConstRows x, simd::ConstRows y, const simd::Extent& extent, std::size_t first, simd::Rows to,
                LayerScratch& scratch) const;
  /// The same without neighbours.
  void apply(simd::ConstRows x, simd::Rows to, LayerScratch& scratch) const;
  /// The product alone, in `scratch` until the next one.
  simd::Rows multiply(simd::ConstRows x, LayerScratch& scratch) const;

 private:
  using Weights = std::variant<std::unique_ptr<const Product>, simd::Int8Matrix>;

  Weights weights_;
  simd::ReluNorm relu_norm_;
  simd::Window window_;
};

/// Products in bf16 with sums in fp32, and everything else in fp32, rounded where it is kept.
template <>
class FrameLayer<simd::Bf16> {
 public:
  /// Rows that the last of an input may be read with: as many as this less one lie behind it.
  static constexpr std::size_t kRowsTogether = simd::Bf16Matrix::kRowsTogether;
  static constexpr bool kInPlace = false;

  /// weights: float32 or qint8 [outputs, taps * inputs].
  FrameLayer(const at::Tensor& weights, simd::ReluNorm relu_norm, simd::Window window);

  std::size_t inputs() const;
  std::size_t outputs() const;
  const simd::Window& window() const { return window_; }
  const simd::ReluNorm& relu_norm() const { return relu_norm_; }

  void convolve(simd::ConstRows x, simd::ConstRows y, const simd::Extent& extent, std::size_t first, simd::Bf16Rows to,
                LayerScratch& scratch) const;
  void convolve(simd::ConstBf16Rows x, simd::ConstBf16Rows y, const simd::Extent& extent, std::size_t first,
                simd::Bf16Rows to, LayerScratch& scratch) const;
  void apply(simd::ConstBf16Rows x, simd::Bf16Rows to, LayerScratch& scratch) const;
  simd::Rows multiply(simd::ConstBf16Rows x, LayerScratch& scratch) const;

 private:
  using Weights = std::variant<simd::Bf16Matrix, simd::Int8Matrix>;

  template <typename T>
  void convolve_any(simd::RowsOf<const T> x, simd::RowsOf<const T> y, const simd::Extent& extent, std::size_t first,
                    simd::Bf16Rows to, LayerScratch& scratch) const;
  Weights weights_;
  simd::ReluNorm relu_norm_;
  simd::Window window_;
};

}  // namespace timbre::network
