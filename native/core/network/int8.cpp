#include "network/int8.h"

#include <ATen/Functions.h>
#include <ATen/Version.h>
#include <ATen/core/dispatch/Dispatcher.h>

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

std::string why_no_int8() {
  if (!c10::Dispatcher::singleton().findSchema({"onednn::qlinear_pointwise", ""})) {
    return "this LibTorch multiplies in int8 on no processor";
  }
  if (at::get_cpu_capability() == "DEFAULT") {
    return "int8 needs a processor with AVX2";
  }
  return "";
}

}  // namespace timbre::network
