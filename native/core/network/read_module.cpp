#include "network/read_module.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace timbre::network {

using torch::jit::Module;

void expect(bool fits, const char* what) { TORCH_CHECK(fits, "its tensors do not fit together: ", what); }

Module child(const Module& module, const char* name) { return module.attr(name).toModule(); }

c10::IValue constant(const Module& module, const char* name) { return module.type()->getConstant(name); }

std::size_t count(const Module& module, const char* name) {
  constexpr std::int64_t kMost = 1000;
  return static_cast<std::size_t>(std::clamp<std::int64_t>(constant(module, name).toInt(), 0, kMost));
}

at::Tensor tensor(const Module& module, const char* name) {
  const at::Tensor value = module.attr(name).toTensor();
  return value.is_quantized() ? value : value.to(at::kFloat).contiguous();
}

std::vector<float> values(const Module& module, const char* name) {
  const at::Tensor value = tensor(module, name);
  expect(value.dim() == 1, name);
  return {value.const_data_ptr<float>(), value.const_data_ptr<float>() + value.numel()};
}

Affine read_norm(const Module& norm) {
  const double eps = constant(norm, "eps").toDouble();
  const std::vector<float> mean = values(norm, "running_mean");
  const std::vector<float> variance = values(norm, "running_var");
  const bool affine = norm.hasattr("weight") && !norm.attr("weight").isNone();
  const std::vector<float> weight = affine ? values(norm, "weight") : std::vector<float>(mean.size(), 1);
  const std::vector<float> bias = affine ? values(norm, "bias") : std::vector<float>(mean.size());
  expect(bias.size() == weight.size() && mean.size() == weight.size() && variance.size() == weight.size(), "a norm");
  Affine result;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    const double scale = weight[i] / std::sqrt(variance[i] + eps);
    result.scale.push_back(static_cast<float>(scale));
    result.shift.push_back(static_cast<float>(bias[i] - mean[i] * scale));
  }
  return result;
}

}  // namespace timbre::network
