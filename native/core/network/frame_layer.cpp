#include "network/frame_layer.h"

#include <c10/util/Exception.h>

#include <utility>

#include "network/int8.h"

namespace timbre::network {

using simd::Bf16Rows;
using simd::ConstBf16Rows;
using simd::ConstRows;
using simd::Extent;
using simd::Rows;

namespace {

std::unique_ptr<const Product> product_by(const at::Tensor& weights) {
  if (!weights.is_quantized()) {
    return float_product(weights);
  }
  return why_no_int8().empty() ? int8_product(weights) : float_product(weights.dequantize());
}

/// Rows of a buffer that grows.
template <typename Buffer>
auto rows_of(Buffer& buffer, std::size_t count, std::size_t width) {
  if (buffer.size() < count * width) buffer.resize(count * width);
  return simd::RowsOf<typename Buffer::value_type>{buffer.data(), count, width, width};
}

}  // namespace

// ------------------------------------------------------------------------------------------------------ fp32, int8

FrameLayer<float>::FrameLayer(const at::Tensor& weights, simd::ReluNorm relu_norm, simd::Window window)
    : product_(product_by(weights)), relu_norm_(std::move(relu_norm)), window_(window) {}

Rows FrameLayer<float>::multiply(ConstRows x, LayerScratch& scratch) const { return (*product_)(x, scratch.product); }

void FrameLayer<float>::apply(ConstRows x, Rows to, LayerScratch& scratch) const {
  simd::relu_norm(multiply(x, scratch), relu_norm_, to);
}

void FrameLayer<float>::convolve(ConstRows x, ConstRows y, const Extent& extent, std::size_t first, Rows to,
                                 LayerScratch& scratch) const {
  const Rows gathered = rows_of(scratch.gathered, to.count, inputs());
  simd::im2col(x, y, window_, extent, first, gathered);
  apply(gathered, to, scratch);
}

// ------------------------------------------------------------------------------------------------------ bf16

namespace {

simd::Bf16Matrix matrix_of(const at::Tensor& weights, std::size_t taps) {
  TORCH_CHECK(weights.dim() == 2 && weights.numel() > 0 && static_cast<std::size_t>(weights.size(1)) % taps == 0,
              "weights of the shape ", weights.sizes(), " for ", taps, " taps");
  const at::Tensor dense = weights.contiguous();
  const auto width = static_cast<std::size_t>(dense.size(1));
  return {{dense.const_data_ptr<float>(), static_cast<std::size_t>(dense.size(0)), width, width},
          taps,
          simd::bf16_units().front()};
}

}  // namespace

FrameLayer<simd::Bf16>::FrameLayer(const at::Tensor& weights, simd::ReluNorm relu_norm, simd::Window window)
    : matrix_(matrix_of(weights, window.taps)), relu_norm_(std::move(relu_norm)), window_(window) {}

ConstBf16Rows FrameLayer<simd::Bf16>::pad(ConstBf16Rows x, LayerScratch& scratch) const {
  const std::size_t width = matrix_.padded_inputs();
  if (width == x.width) return x;
  const Bf16Rows padded = rows_of(scratch.lined_up, x.count + kRowsTogether - 1, width).part(0, x.count);
  simd::line_up(x, {}, {}, {0, x.count}, 0, padded);
  return padded;
}

Rows FrameLayer<simd::Bf16>::multiply(ConstBf16Rows x, LayerScratch& scratch) const {
  const Rows product = rows_of(scratch.gathered, x.count, outputs());
  matrix_.multiply(pad(x, scratch), 0, product, scratch.sums);
  return product;
}

void FrameLayer<simd::Bf16>::apply(ConstBf16Rows x, Bf16Rows to, LayerScratch& scratch) const {
  matrix_.multiply(pad(x, scratch), 0, relu_norm_, to, scratch.sums);
}

template <typename T>
void FrameLayer<simd::Bf16>::convolve_any(simd::RowsOf<const T> x, simd::RowsOf<const T> y, const Extent& extent,
                                          std::size_t first, Bf16Rows to, LayerScratch& scratch) const {
  const std::size_t lines = (to.count - 1) * window_.stride + (window_.taps - 1) * window_.dilation + 1;
  const std::size_t beyond = (kRowsTogether - 1) * window_.stride;
  const Bf16Rows lined_up = rows_of(scratch.lined_up, lines + beyond, matrix_.padded_inputs());
  simd::line_up(x, y, window_, extent, first, lined_up.part(0, lines));
  const ConstBf16Rows read{lined_up.data, to.count, lined_up.width, window_.stride * lined_up.step};
  matrix_.multiply(read, window_.dilation * lined_up.step, relu_norm_, to, scratch.sums);
}

void FrameLayer<simd::Bf16>::convolve(ConstRows x, ConstRows y, const Extent& extent, std::size_t first, Bf16Rows to,
                                      LayerScratch& scratch) const {
  convolve_any(x, y, extent, first, to, scratch);
}

void FrameLayer<simd::Bf16>::convolve(ConstBf16Rows x, ConstBf16Rows y, const Extent& extent, std::size_t first,
                                      Bf16Rows to, LayerScratch& scratch) const {
  convolve_any(x, y, extent, first, to, scratch);
}

}  // namespace timbre::network
