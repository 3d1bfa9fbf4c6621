#include "bundle/segmentation_model.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "bundle/synthetic.h"
#include "bundle/torch_module.h"
#include "bundle/torch_segmentation.h"
#include "network/torch_settings.h"

namespace timbre::bundle {

namespace {

using conversation::SegmentationWeights;
using torch::jit::Module;

/// How far probabilities may lie from those of the bundle's own code, whose sums are in another order.
constexpr double kMostDifference = 5e-4;

std::vector<float> values_of(const Module& owner, const std::string& name) {
  const at::Tensor tensor = owner.attr(name).toTensor().to(at::kFloat).contiguous();
  const auto* first = tensor.const_data_ptr<float>();
  return {first, first + tensor.numel()};
}

SegmentationWeights::Affine affine_of(const Module& owner) {
  return {values_of(owner, "weight"), values_of(owner, "bias")};
}

/// Throws where a tensor is not there.
SegmentationWeights weights_of(const Module& module) {
  const auto part = [](const Module& owner, const std::string& name) { return owner.attr(name).toModule(); };
  const Module sincnet = part(module, "sincnet");
  const Module convolutions = part(sincnet, "conv1d");
  const Module norms = part(sincnet, "norm1d");
  const Module filters = part(part(convolutions, "0"), "filterbank");
  SegmentationWeights weights;
  weights.wave_norm = affine_of(part(sincnet, "wav_norm1d"));
  weights.low_hz = values_of(filters, "low_hz_");
  weights.band_hz = values_of(filters, "band_hz_");
  for (std::size_t i = 0; i < weights.norms.size(); ++i) {
    weights.norms[i] = affine_of(part(norms, std::to_string(i)));
  }
  for (std::size_t i = 0; i < weights.convolutions.size(); ++i) {
    weights.convolutions[i] = affine_of(part(convolutions, std::to_string(i + 1)));
  }
  const Module lstm = part(module, "lstm");
  for (std::size_t layer = 0; layer < weights.lstm.size(); ++layer) {
    for (std::size_t d = 0; d < 2; ++d) {
      const std::string at = "_l" + std::to_string(layer) + (d == 0 ? "" : "_reverse");
      weights.lstm[layer][d] = {values_of(lstm, "weight_ih" + at), values_of(lstm, "weight_hh" + at),
                                values_of(lstm, "bias_ih" + at), values_of(lstm, "bias_hh" + at)};
    }
  }
  const Module linear = part(module, "linear");
  for (std::size_t i = 0; i < weights.linear.size(); ++i) {
    weights.linear[i] = affine_of(part(linear, std::to_string(i)));
  }
  weights.classifier = affine_of(part(module, "classifier"));
  return weights;
}

/// Whether a network computes what its module's code says, of one window with a voice in it and silence behind.
Status agree(const conversation::SegmentationNetwork& network, Module& module) {
  constexpr double kTrialSeconds = 7;
  auto window = synthesise("voice", kTrialSeconds, 1, conversation::kSampleRate).value();
  window.resize(conversation::kWindowSamples);
  const auto found = network.log_probabilities({&window, 1});
  if (!found) {
    const auto& [code, message] = found.error();
    return Error{code == ErrorCode::INFERENCE_FAILED ? ErrorCode::MODEL_INVALID : code, message};
  }
  const at::Tensor batch = at::from_blob(window.data(), {1, 1, std::ssize(window)}, at::kFloat);
  const at::Tensor expected = module.forward({batch}).toTensor().flatten().contiguous();
  const std::vector<float>& values = found.value().front();
  TORCH_CHECK(expected.numel() == std::ssize(values), "forward gives ", expected.sizes(), " for a window");
  double worst = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double here = std::exp(values[i]);
    worst = std::max(worst, std::abs(here - std::exp(expected.const_data_ptr<float>()[i])));
  }
  return worst <= kMostDifference ? ok() : Status(Error{ErrorCode::MODEL_INVALID, "its code and its constants differ"});
}

}  // namespace

Result<SegmentationModel> make_segmentation_model(const Manifest& manifest, Module module) {
  if (manifest.front_end.sample_rate != conversation::kSampleRate ||
      manifest.window_samples != conversation::kWindowSamples) {
    return Error{ErrorCode::MODEL_INVALID,
                 "its window is not that of segmentation-3.0, the one network that is supported"};
  }
  module.eval();
  widen(module);
  auto network = conversation::SegmentationNetwork::create(weights_of(module));
  if (!network) {
    return std::move(network).error();
  }
  if (auto same = agree(*network.value(), module); !same) {
    return std::move(same).error();
  }
  return SegmentationModel{manifest, std::move(network).value()};
}

Result<SegmentationModel> load_segmentation_model(const std::string& path, const CodeTrust& trust) {
  auto manifest = read_manifest(path);
  if (!manifest) {
    return std::move(manifest).error();
  }
  if (auto fits = expect_kind(manifest.value(), Kind::segmentation); !fits) {
    return std::move(fits).error();
  }
  const std::string refusal = "the bundle '" + path + "' cannot be used: ";
  try {
    const network::TorchScope scope;
    auto module = load_module(path, trust);
    if (!module) {
      return std::move(module).error();
    }
    if (weights_digest(module.value()) != manifest.value().weights_digest) {
      return Error{ErrorCode::MODEL_INVALID, refusal + "its weights are damaged; fetch or make it again"};
    }
    auto model = make_segmentation_model(manifest.value(), std::move(module).value());
    if (!model) {
      return Error{model.error().code, refusal + model.error().message};
    }
    return model;
  } catch (...) {
    return torch_error(ErrorCode::MODEL_INVALID, "the bundle '" + path + "' cannot be loaded");
  }
}

}  // namespace timbre::bundle
