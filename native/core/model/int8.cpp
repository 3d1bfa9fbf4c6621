#include "model/int8.h"

#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/Version.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/cpu/Utils.h>
#include <ATen/native/quantized/PackedParams.h>
#include <torch/csrc/jit/ir/constants.h>

#include <algorithm>
#include <array>
#include <optional>

namespace timbre {

namespace {

constexpr double kLargest = 127;
/// A row of zeros has any scale.
constexpr double kSmallestScale = 1e-12;

c10::IValue pack(const at::Tensor& weights, const c10::IValue& bias) {
  const auto prepack = c10::Dispatcher::singleton().findSchemaOrThrow("quantized::linear_prepack", "");
  torch::jit::Stack stack{weights, bias};
  prepack.callBoxed(stack);
  return stack.front();
}

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
  const auto& engines = at::globalContext().supportedQEngines();
  if (std::ranges::find(engines, at::QEngine::FBGEMM) == engines.end()) {
    return "this LibTorch multiplies in int8 on no processor";
  }
  if (at::get_cpu_capability() == "DEFAULT") {
    return "int8 needs a processor with AVX2";
  }
  return "";
}

std::vector<c10::IValue> multiply_in_int8(torch::jit::Graph& graph, const std::vector<at::Tensor>& weights) {
  // Without VNNI two products of 8 bits overflow the 16 that they are added in: activations take 7 bits there.
  const bool seven_bits = !at::cpu::is_avx512_vnni_supported();
  const auto linear = c10::Symbol::fromQualString("aten::linear");
  const auto dynamic = c10::Symbol::fromQualString("quantized::linear_dynamic");
  std::vector<at::Tensor> widened;
  for (const at::Tensor& weight : weights) {
    widened.push_back(weight.dequantize());
  }
  std::vector<c10::IValue> packed;
  // The layers all stand at the top: what runs over parts of channels inside a loop keeps its precision.
  for (torch::jit::Node* node : std::vector<torch::jit::Node*>(graph.nodes().begin(), graph.nodes().end())) {
    if (node->kind() != linear) {
      continue;
    }
    const auto weight = torch::jit::toIValue(node->input(1));
    const auto bias = torch::jit::toIValue(node->input(2));
    if (!weight || !bias) {
      continue;
    }
    const auto which = std::ranges::find_if(
        widened, [&](const at::Tensor& candidate) { return at::equal(candidate, weight->toTensor()); });
    if (which == widened.end()) {
      continue;
    }
    packed.push_back(pack(weights[static_cast<std::size_t>(which - widened.begin())], *bias));
    torch::jit::Value* const input = graph.addInput()->setType(packed.back().type());
    const torch::jit::WithInsertPoint here(node);
    torch::jit::Node* const replacement =
        graph.create(dynamic, {node->input(0), input, graph.insertConstant(seven_bits)});
    graph.insertNode(replacement);
    replacement->output()->setType(node->output()->type());
    node->output()->replaceAllUsesWith(replacement->output());
    node->destroy();
  }
  return packed;
}

}  // namespace timbre
