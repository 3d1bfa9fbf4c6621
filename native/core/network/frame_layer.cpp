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

/// Whether a layer multiplies in int8.
bool in_int8(const at::Tensor& weights, const simd::Window& window) {
  return weights.is_quantized() && window.taps == 1 && window.stride == 1 && why_no_int8().empty();
}

at::Tensor in_float(const at::Tensor& weights) { return weights.is_quantized() ? weights.dequantize() : weights; }

/// Rows of a buffer that grows.
template <typename Buffer>
auto rows_of(Buffer& buffer, std::size_t count, std::size_t width) {
  if (buffer.size() < count * width) buffer.resize(count * width);
  return simd::RowsOf<typename Buffer::value_type>{buffer.data(), count, width, width};
}

}  // namespace

// ------------------------------------------------------------------------------------------------------ fp32

FrameLayer<float>::FrameLayer(const at::Tensor& weights, simd::ReluNorm relu_norm, simd::Window window)
    : weights_(in_int8(weights, window) ? Weights(int8_matrix(weights)) : Weights(float_product(in_float(weights)))),
      relu_norm_(std::move(relu_norm)),
      window_(window) {}

std::size_t FrameLayer<float>::inputs() const {
  const auto* int8 = std::get_if<simd::Int8Matrix>(&weights_);
  return int8 ? int8->inputs() : std::get<0>(weights_)->inputs();
}

std::size_t FrameLayer<float>::outputs() const {
  const auto* int8 = std::get_if<simd::Int8Matrix>(&weights_);
  return int8 ? int8->outputs() : std::get<0>(weights_)->outputs();
}

Rows FrameLayer<float>::multiply(ConstRows x, LayerScratch& scratch) const {
  const auto* int8 = std::get_if<simd::Int8Matrix>(&weights_);
  if (!int8) return (*std::get<0>(weights_))(x, scratch.product);
  const Rows product = rows_of(scratch.gathered, x.count, outputs());
  int8->multiply(x, product, scratch.int8);
  return product;
}

void FrameLayer<float>::apply(ConstRows x, Rows to, LayerScratch& scratch) const {
  if (const auto* int8 = std::get_if<simd::Int8Matrix>(&weights_)) {
    int8->multiply(x, relu_norm_, to, scratch.int8);
  } else {
    simd::relu_norm((*std::get<0>(weights_))(x, scratch.product), relu_norm_, to);
  }
}

void FrameLayer<float>::convolve(ConstRows x, ConstRows y, const Extent& extent, std::size_t first, Rows to,
                                 LayerScratch& scratch) const {
  const Rows gathered = rows_of(scratch.gathered, to.count, inputs());
  simd::im2col(x, y, window_, extent, first, gathered);
  apply(gathered, to, scratch);
}

// ------------------------------------------------------------------------------------------------------ bf16

namespace {

simd::Bf16Matrix bf16_matrix(const at::Tensor& weights, std::size_t taps) {
  TORCH_CHECK(weights.dim() == 2 && weights.numel() > 0 && static_cast<std::size_t>(weights.size(1)) % taps == 0,
              "weights of the shape ", weights.sizes(), " for ", taps, " taps");
  const at::Tensor dense = weights.contiguous();
  const auto width = static_cast<std::size_t>(dense.size(1));
  return {{dense.const_data_ptr<float>(), static_cast<std::size_t>(dense.size(0)), width, width},
          taps,
          simd::bf16_units().front()};
}

/// x, with as many inputs as the matrix reads.
ConstBf16Rows pad(ConstBf16Rows x, const simd::Bf16Matrix& matrix, LayerScratch& scratch) {
  const std::size_t width = matrix.padded_inputs();
  if (width == x.width) return x;
  constexpr std::size_t kBeyond = simd::Bf16Matrix::kRowsTogether - 1;
  const Bf16Rows padded = rows_of(scratch.lined_up, x.count + kBeyond, width).part(0, x.count);
  simd::line_up(x, {}, {}, {0, x.count}, 0, padded);
  return padded;
}

}  // namespace

FrameLayer<simd::Bf16>::FrameLayer(const at::Tensor& weights, simd::ReluNorm relu_norm, simd::Window window)
    : weights_(in_int8(weights, window) ? Weights(int8_matrix(weights))
                                        : Weights(bf16_matrix(in_float(weights), window.taps))),
      relu_norm_(std::move(relu_norm)),
      window_(window) {}

std::size_t FrameLayer<simd::Bf16>::inputs() const {
  const auto* int8 = std::get_if<simd::Int8Matrix>(&weights_);
  const auto* bf16 = std::get_if<simd::Bf16Matrix>(&weights_);
  return int8 ? int8->inputs() : bf16->taps() * bf16->inputs();
}

std::size_t FrameLayer<simd::Bf16>::outputs() const {
  return std::visit([](const auto& matrix) { return matrix.outputs(); }, weights_);
}

Rows FrameLayer<simd::Bf16>::multiply(ConstBf16Rows x, LayerScratch& scratch) const {
  const Rows product = rows_of(scratch.gathered, x.count, outputs());
  if (const auto* int8 = std::get_if<simd::Int8Matrix>(&weights_)) {
    int8->multiply(x, product, scratch.int8);
  } else {
    const auto& bf16 = std::get<simd::Bf16Matrix>(weights_);
    bf16.multiply(pad(x, bf16, scratch), 0, product, scratch.sums);
  }
  return product;
}

void FrameLayer<simd::Bf16>::apply(ConstBf16Rows x, Bf16Rows to, LayerScratch& scratch) const {
  if (const auto* int8 = std::get_if<simd::Int8Matrix>(&weights_)) {
    int8->multiply(x, relu_norm_, to, scratch.int8);
  } else {
    const auto& bf16 = std::get<simd::Bf16Matrix>(weights_);
    bf16.multiply(pad(x, bf16, scratch), 0, relu_norm_, to, scratch.sums);
  }
}

template <typename T>
void FrameLayer<simd::Bf16>::convolve_any(simd::RowsOf<const T> x, simd::RowsOf<const T> y, const Extent& extent,
                                          std::size_t first, Bf16Rows to, LayerScratch& scratch) const {
  const auto* bf16 = std::get_if<simd::Bf16Matrix>(&weights_);
  const std::size_t inputs = bf16 ? bf16->padded_inputs() : x.width;
  const std::size_t lines = (to.count - 1) * window_.stride + (window_.taps - 1) * window_.dilation + 1;
  const std::size_t beyond = (kRowsTogether - 1) * window_.stride;
  const Bf16Rows lined_up = rows_of(scratch.lined_up, lines + beyond, inputs);
  simd::line_up(x, y, window_, extent, first, lined_up.part(0, lines));
  const ConstBf16Rows read{lined_up.data, to.count, lined_up.width, window_.stride * lined_up.step};
  if (bf16) {
    bf16->multiply(read, window_.dilation * lined_up.step, relu_norm_, to, scratch.sums);
  } else {
    apply(read, to, scratch);
  }
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
