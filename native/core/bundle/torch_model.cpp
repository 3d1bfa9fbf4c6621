#include "bundle/torch_model.h"

#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/runtime/interpreter.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/version.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cmath>
#include <utility>
#include <variant>
#include <vector>

#include "bundle/torch_module.h"
#include "network/ecapa.h"
#include "network/int8.h"
#include "network/torch_settings.h"

namespace timbre::bundle {

namespace {

using torch::jit::Module;

/// Of a trial utterance of ordinary length: 3 s at the usual 10 ms.
constexpr std::size_t kTrialFrames = 300;

Error not_usable(const std::string& path, const std::string& what) {
  return Error{ErrorCode::MODEL_INVALID, "the bundle '" + path + "' cannot be used: " + what};
}

// ------------------------------------------------------------------------------------------------------ devices

struct Place {
  at::Device device = at::kCPU;
  std::string note;
};

/// The CUDA kernels announce themselves when their library is loaded.
bool cuda_built() { return at::CUDAHooksRegistry()->Has("CUDAHooks"); }

int cuda_devices() { return at::globalContext().hasCUDA() ? at::detail::getCUDAHooks().getNumGPUs() : 0; }

std::string why_no_cuda() {
  return cuda_built() ? "no CUDA device is visible: look at nvidia-smi and CUDA_VISIBLE_DEVICES"
                      : "this LibTorch was built without CUDA";
}

Result<Place> find_place(const std::string& wanted) {
  constexpr std::string_view kCuda = "cuda";
  constexpr std::string_view kNumbered = "cuda:";
  if (wanted == "cpu") {
    return Place{};
  }
  const bool numbered = wanted.starts_with(kNumbered);
  unsigned index = 0;
  if (numbered) {
    const char* end = wanted.data() + wanted.size();
    const auto [stop, fault] = std::from_chars(wanted.data() + kNumbered.size(), end, index);
    if (fault != std::errc() || stop != end) {
      return Error{ErrorCode::INVALID_ARGUMENT, "device '" + wanted + "' has no number after 'cuda:'"};
    }
  } else if (wanted != "auto" && wanted != kCuda) {
    return Error{ErrorCode::INVALID_ARGUMENT,
                 "device '" + wanted + "' is none of auto, cpu, cuda, cuda:0, cuda:1, ..."};
  }
  const int count = cuda_devices();
  if (count == 0 && wanted == "auto") {
    return Place{at::kCPU, why_no_cuda()};
  }
  if (count == 0) {
    return Error{ErrorCode::DEVICE_UNAVAILABLE,
                 "device '" + wanted + "' is not there: " + why_no_cuda() +
                     (cuda_built() ? "" : "; set Timbre up with a CUDA build of PyTorch, or use device 'cpu'")};
  }
  if (index >= static_cast<unsigned>(count)) {
    return Error{ErrorCode::DEVICE_UNAVAILABLE,
                 "device '" + wanted + "' is not there: the last CUDA device is cuda:" + std::to_string(count - 1)};
  }
  return Place{at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index)), ""};
}

// ------------------------------------------------------------------------------------------------------ the network

/// [B, T, F] and lengths, without a copy for a single utterance, whose matrix must then outlive the call.
std::pair<at::Tensor, at::Tensor> as_batch(std::span<const Matrix* const> features) {
  const auto count = static_cast<std::int64_t>(features.size());
  const auto bins = static_cast<std::int64_t>(features.front()->cols);
  at::Tensor lengths = at::empty({count}, at::kLong);
  auto* length = lengths.mutable_data_ptr<std::int64_t>();
  for (const Matrix* matrix : features) {
    *length++ = static_cast<std::int64_t>(matrix->rows);
  }
  const auto longest = lengths.max().item<std::int64_t>();
  if (count == 1) {
    // from_blob takes no const; nothing writes to an input.
    auto* values = const_cast<float*>(features.front()->values.data());
    return {at::from_blob(values, {1, longest, bins}, at::kFloat), lengths};
  }
  at::Tensor padded = at::zeros({count, longest, bins}, at::kFloat);
  auto* row = padded.mutable_data_ptr<float>();
  for (const Matrix* matrix : features) {
    std::ranges::copy(matrix->values, row);
    row += longest * bins;
  }
  return {padded, lengths};
}

/// A frozen network, run by the interpreter as it stands.
class Script {
 public:
  /// Throws what LibTorch throws.
  explicit Script(const Module& frozen) {
    auto graph = frozen.get_method("forward").graph()->copy();
    torch::jit::EliminateDeadCode(graph);
    TORCH_CHECK(!graph->inputs().front()->hasUses(), "forward uses what freezing leaves in the module");
    graph->eraseInput(0);
    code_ = torch::jit::Code(graph, "forward");
  }

  /// Throws what LibTorch throws.
  at::Tensor operator()(const at::Tensor& features, const at::Tensor& lengths) const {
    torch::jit::Stack stack{features, lengths};
    torch::jit::InterpreterState(code_).run(stack);
    return stack.back().toTensor();
  }

 private:
  torch::jit::Code code_;
};

/// Either way of computing a network.
using Network = std::variant<Script, std::unique_ptr<const network::EcapaNetwork>>;

simd::ConstRows as_rows(const Matrix& matrix) { return {matrix.values.data(), matrix.rows, matrix.cols, matrix.cols}; }

Embedding embed(const network::EcapaNetwork& network, const Matrix& features) {
  thread_local network::EcapaNetwork::Workspace workspace;
  return network.embed(as_rows(features), workspace);
}

/// Throws what LibTorch throws.
std::vector<Embedding> forward(const Script& script, at::Device device, std::span<const Matrix* const> features) {
  const auto [padded, lengths] = as_batch(features);
  const at::Tensor result = script(padded.to(device), lengths.to(device)).to(at::kCPU, at::kFloat);
  TORCH_CHECK(result.dim() == 2 && result.size(0) == padded.size(0), "forward gives ", result.sizes(),
              " for a batch of ", padded.size(0));
  std::vector<Embedding> embeddings;
  for (std::int64_t i = 0; i < result.size(0); ++i) {
    const at::Tensor row = result[i].contiguous();
    embeddings.emplace_back(row.const_data_ptr<float>(), row.const_data_ptr<float>() + row.numel());
  }
  return embeddings;
}

/// Throws what LibTorch throws.
std::vector<Embedding> run(const Network& network, at::Device device, std::span<const Matrix* const> features) {
  const network::TorchScope scope;
  if (const auto* script = std::get_if<Script>(&network)) {
    return forward(*script, device, features);
  }
  std::vector<Embedding> embeddings;
  for (const Matrix* matrix : features) {
    embeddings.push_back(embed(*std::get<std::unique_ptr<const network::EcapaNetwork>>(network), *matrix));
  }
  return embeddings;
}

/// Gives freed memory back to the system after every so many frames.
///
/// Activations of every length leave holes of every size in each thread's heap, which glibc keeps. Half a minute of
/// audio between two rounds is long enough for them to cost no time that can be measured.
class HeapTrimmer {
 public:
  void count(std::span<const Matrix* const> features) {
    std::size_t frames = 0;
    for (const Matrix* matrix : features) {
      frames += matrix->rows;
    }
    if ((frames_ += frames) < kFrames) {
      return;
    }
    frames_ = 0;
#ifdef __GLIBC__
    malloc_trim(0);
#endif
  }

 private:
  static constexpr std::size_t kFrames = 3000;
  std::atomic<std::size_t> frames_{0};
};

bool is_finite(const Embedding& embedding) {
  return std::ranges::all_of(embedding, [](float value) { return std::isfinite(value); });
}

class TorchModel : public Model {
 public:
  TorchModel(Manifest manifest, Network network, Place place)
      : manifest_(std::move(manifest)),
        network_(std::move(network)),
        place_(std::move(place)),
        device_(place_.device.str()) {}

  const Manifest& manifest() const override { return manifest_; }
  const std::string& device() const override { return device_; }
  const std::string& device_note() const override { return place_.note; }
  bool batches() const override { return place_.device.is_cuda(); }

  Result<std::vector<Embedding>> embed(std::span<const Matrix* const> features) const override {
    for (const Matrix* matrix : features) {
      if (matrix->rows < manifest_.shortest_frames ||
          matrix->cols != static_cast<std::size_t>(manifest_.front_end.mel_bins)) {
        return Error{ErrorCode::INFERENCE_FAILED, "features are " + std::to_string(matrix->rows) + " x " +
                                                      std::to_string(matrix->cols) + " where at least " +
                                                      std::to_string(manifest_.shortest_frames) + " x " +
                                                      std::to_string(manifest_.front_end.mel_bins) + " belong"};
      }
    }
    if (features.empty()) {
      return std::vector<Embedding>();
    }
    try {
      std::vector<Embedding> embeddings = run(network_, place_.device, features);
      heap_.count(features);
      if (!std::ranges::all_of(embeddings, is_finite)) {
        return Error{ErrorCode::INFERENCE_FAILED, "the network gave values that are not finite"};
      }
      return embeddings;
    } catch (...) {
      return torch_error(ErrorCode::INFERENCE_FAILED,
                         "the network failed on " + std::to_string(features.size()) + " utterances");
    }
  }

 private:
  const Manifest manifest_;
  const Network network_;
  const Place place_;
  const std::string device_;
  mutable HeapTrimmer heap_;
};

// ------------------------------------------------------------------------------------------------------ loading

/// Features that are no special case of anything: the same on every machine, neither silent nor periodic.
Matrix trial_features(std::size_t frames, std::size_t bins) {
  Matrix features(frames, bins);
  for (std::size_t i = 0; i < features.values.size(); ++i) {
    const auto at = static_cast<double>(i);
    features.values[i] = static_cast<float>(4 * std::sin(1e-3 * at * std::sqrt(at)));
  }
  return features;
}

/// Whether the network does what its manifest says, of so many frames.
Status try_out(const Model& model, std::size_t frames) {
  const Manifest& manifest = model.manifest();
  const std::string trial = " (trial of " + std::to_string(frames) + " frames)";
  const Matrix features = trial_features(frames, static_cast<std::size_t>(manifest.front_end.mel_bins));
  const Matrix* const one[] = {&features};
  const auto embeddings = model.embed(one);
  if (!embeddings) {
    const auto& [code, message] = embeddings.error();
    return Error{code == ErrorCode::INFERENCE_FAILED ? ErrorCode::MODEL_INVALID : code, message + trial};
  }
  if (const std::size_t dim = embeddings.value().front().size(); dim != manifest.embedding_dim) {
    return Error{ErrorCode::MODEL_INVALID, "its embeddings have " + std::to_string(dim) +
                                               " values where its manifest says " +
                                               std::to_string(manifest.embedding_dim) + trial};
  }
  return ok();
}

/// Whether a network computes what its module's code says: one trial utterance both ways.
Status agree(const network::EcapaNetwork& network, Module& module, const Manifest& manifest) {
  constexpr double kRounding = 1e-3;
  const Matrix features =
      trial_features(manifest.shortest_frames, static_cast<std::size_t>(manifest.front_end.mel_bins));
  const Matrix* const one[] = {&features};
  try {
    const auto [batch, lengths] = as_batch(one);
    const at::Tensor expected = module.forward({batch, lengths}).toTensor().flatten();
    Embedding found = embed(network, features);
    const at::Tensor values = at::from_blob(found.data(), {std::ssize(found)});
    const auto difference = at::sub(values, expected).norm().item<double>();
    // The trials tell of values that are not finite.
    const bool same = difference <= kRounding * expected.norm().item<double>() || !is_finite(found);
    return same ? ok() : Status(Error{ErrorCode::MODEL_INVALID, "its code and its constants differ"});
  } catch (...) {
    return torch_error(ErrorCode::MODEL_INVALID, "the network failed");
  }
}

bool takes_features_and_lengths(const Module& module) {
  const auto method = module.find_method("forward");
  if (!method) {
    return false;
  }
  const auto& schema = method->function().getSchema();
  const auto is_tensor = [](const c10::Argument& argument) {
    return argument.type()->kind() == c10::TypeKind::TensorType;
  };
  return schema.arguments().size() == 3 && schema.returns().size() == 1 && is_tensor(schema.arguments()[1]) &&
         is_tensor(schema.arguments()[2]) && is_tensor(schema.returns()[0]);
}

Result<std::unique_ptr<const Model>> load_at(const std::string& path, const Manifest& manifest, const Place& place) {
  try {
    const network::TorchScope scope;
    Module module = torch::jit::load(path, at::kCPU, /*load_debug_files=*/false);
    if (!takes_features_and_lengths(module)) {
      return not_usable(path, "its module has no forward(features, lengths) that gives a tensor");
    }
    if (const std::string digest = weights_digest(module); digest != manifest.weights_digest) {
      return not_usable(path, "its weights are damaged: digest " + digest + ", expected " + manifest.weights_digest +
                                  "; fetch or make it again");
    }
    auto model = make_model(manifest, std::move(module), place.device, place.note);
    return model ? std::move(model) : Error{model.error().code, not_usable(path, model.error().message).message};
  } catch (...) {
    return torch_error(ErrorCode::MODEL_INVALID, "the bundle '" + path + "' cannot be loaded");
  }
}

}  // namespace

Result<std::unique_ptr<const Model>> make_model(const Manifest& manifest, Module module, at::Device device,
                                                const std::string& device_note) {
  module.eval();
  auto ecapa = device.is_cpu() ? network::EcapaNetwork::of(module) : nullptr;
  const bool int8 = widen(module);
  Place place{device, device_note};
  const std::string reason = ecapa ? network::why_no_int8() : "int8 is for the network of this project on processors";
  if (int8 && !reason.empty()) {
    place.note += (place.note.empty() ? "" : "; ") + reason + ", computing in fp32";
  }
  if (ecapa && !int8) {  // what was taken to int8 was compared in fp32
    if (auto status = agree(*ecapa, module, manifest); !status) {
      return std::move(status).error();
    }
  }
  module.to(device);
  auto network = ecapa ? Network(std::move(ecapa)) : Network(Script(torch::jit::freeze(module)));
  auto model = std::make_unique<const TorchModel>(manifest, std::move(network), std::move(place));
  for (const std::size_t frames : {manifest.shortest_frames, std::max(manifest.shortest_frames, kTrialFrames)}) {
    if (auto status = try_out(*model, frames); !status) {
      return std::move(status).error();
    }
  }
  return std::unique_ptr<const Model>(std::move(model));
}

Result<std::unique_ptr<const Model>> load_torch_model(const std::string& path, const std::string& device) {
  auto place = find_place(device);
  if (!place) {
    return std::move(place).error();
  }
  auto manifest = read_manifest(path);
  if (!manifest) {
    return std::move(manifest).error();
  }
  auto model = load_at(path, manifest.value(), place.value());
  if (!model && device == "auto" && place.value().device.is_cuda()) {
    return load_at(path, manifest.value(), {at::kCPU, model.error().message});
  }
  return model;
}

TorchRuntime torch_runtime() { return {TORCH_VERSION, at::get_cpu_capability(), cuda_devices(), cuda_built()}; }

}  // namespace timbre::bundle
