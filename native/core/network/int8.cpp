#include "network/int8.h"

#include <ATen/Functions.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <array>

namespace timbre::network {

namespace {

constexpr double kLargest = 127;
/// A row of zeros has any scale.
constexpr double kSmallestScale = 1e-12;

}  // namespace

bool bears_int8(std::string_view tensor) {
  constexpr std::array<std::string_view, 4> kLayers = {".enter.linear.weight", ".leave.linear.weight",
                                                       "aggregate.weight", "pooling.from_frame.weight"};
  return std::ranges::any_of(kLayers, [&](std::string_view layer) { return tensor.ends_with(layer); });
}

at::Tensor to_int8(const at::Tensor& weights) {
  const at::Tensor scales = weights.abs().amax(1).to(at::kDouble).div(kLargest).clamp_min(kSmallestScale);
  const at::Tensor zeros = at::zeros({weights.size(0)}, at::kLong);
  return at::quantize_per_channel(weights, scales, zeros, 0, at::kQInt8);
}

simd::Int8Matrix int8_matrix(const at::Tensor& weights) {
  TORCH_CHECK(weights.dim() == 2 && weights.numel() > 0 &&
                  weights.size(1) <= static_cast<std::int64_t>(simd::Int8Matrix::kMostInputs),
              "weights of the shape ", weights.sizes());
  const at::Tensor values = weights.int_repr().contiguous();
  const at::Tensor steps = weights.q_per_channel_scales().to(at::kFloat).contiguous();
  const auto outputs = static_cast<std::size_t>(values.size(0));
  const auto inputs = static_cast<std::size_t>(values.size(1));
  return {{values.const_data_ptr<std::int8_t>(), outputs, inputs, inputs},
          {steps.const_data_ptr<float>(), outputs},
          simd::int8_units().front()};
}

std::string why_no_int8() {
  return simd::int8_units().front() == simd::Int8Unit::ordinary ? "int8 needs a processor with AVX2" : "";
}

}  // namespace timbre::network
