#include "bundle/torch_model.h"

#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/runtime/interpreter.h>
#include <torch/version.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <utility>
#include <variant>
#include <vector>

#include "bundle/torch_module.h"
#include "network/campplus.h"
#include "network/ecapa.h"
#include "network/int8.h"
#include "network/precision.h"
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

struct Placement {
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

Result<Placement> find_place(const std::string& wanted) {
  constexpr std::string_view kCuda = "cuda";
  constexpr std::string_view kNumbered = "cuda:";
  if (wanted == "cpu") {
    return Placement{};
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
    return Placement{at::kCPU, why_no_cuda()};
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
  return Placement{at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index)), ""};
}

// ------------------------------------------------------------------------------------------------------ precision

/// Whether a bundle of weights of this precision may be asked for that one.
Status expect_precision(const std::string& wanted, const std::string& of_bundle) {
  constexpr std::array<std::string_view, 5> kKnown = {"auto", "fp32", "bf16", "int8", ""};
  if (std::ranges::find(kKnown, wanted) == kKnown.end()) {
    return Error{ErrorCode::INVALID_ARGUMENT, "precision '" + wanted + "' is none of auto, fp32, bf16, int8"};
  }
  if (wanted == "int8" && of_bundle != "int8") {
    return Error{ErrorCode::INVALID_ARGUMENT,
                 "precision 'int8' is for a bundle with int8 weights, which has embeddings of "
                 "its own: make one with `timbre models add --precision int8`"};
  }
  if (of_bundle == "int8" && (wanted == "fp32" || wanted == "bf16")) {
    return Error{ErrorCode::INVALID_ARGUMENT, "precision '" + wanted +
                                                  "' is for a bundle with fp32 weights, and those of "
                                                  "this one are int8: use 'auto', or the bundle that it was made of"};
  }
  return ok();
}

/// What is computed with, and why it is not what was asked for.
struct Computation {
  std::string precision;
  std::string note;
};

/// ours: whether it is this project's network on a processor.
Computation find_computation(const std::string& wanted, bool int8, bool ours) {
  const bool prefers_bf16 = wanted == "auto" && ours && network::why_no_bf16().empty();
  const std::string precision = int8 ? "int8" : wanted == "bf16" || prefers_bf16 ? "bf16" : "fp32";
  std::string reason;
  if (precision != "fp32") {
    const std::string why_not = int8 ? network::why_no_int8() : network::why_no_bf16();
    reason = ours ? why_not : precision + " is for the network of this project on processors";
  }
  return reason.empty() ? Computation{precision, ""} : Computation{"fp32", reason + ", computing in fp32"};
}

// ------------------------------------------------------------------------------------------------------ the network

/// [B, T, F] and lengths, without a copy for a single utterance, whose matrix must then outlive the call.
std::pair<at::Tensor, at::Tensor> as_batch(std::span<const Utterance> utterances) {
  const Matrix& first = *utterances.front().features;
  const auto count = static_cast<std::int64_t>(utterances.size());
  const auto bins = static_cast<std::int64_t>(first.cols);
  at::Tensor lengths = at::empty({count}, at::kLong);
  auto* length = lengths.mutable_data_ptr<std::int64_t>();
  for (const Utterance& one : utterances) {
    *length++ = static_cast<std::int64_t>(one.features->rows);
  }
  const auto longest = lengths.max().item<std::int64_t>();
  if (count == 1) {
    // from_blob takes no const; nothing writes to an input.
    auto* values = const_cast<float*>(first.values.data());
    return {at::from_blob(values, {1, longest, bins}, at::kFloat), lengths};
  }
  at::Tensor padded = at::zeros({count, longest, bins}, at::kFloat);
  auto* row = padded.mutable_data_ptr<float>();
  for (const Utterance& one : utterances) {
    std::ranges::copy(one.features->values, row);
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
using Network = std::variant<Script, std::unique_ptr<const network::Network>>;

simd::ConstRows as_rows(const Matrix& matrix) { return {matrix.values.data(), matrix.rows, matrix.cols, matrix.cols}; }

Result<Embedding> embed(const network::Network& network, const Utterance& utterance) {
  return network.embed(as_rows(*utterance.features), *utterance.interrupt, *utterance.for_each);
}

std::vector<Result<Embedding>> embed_together(const network::Network& network, std::span<const Utterance> utterances) {
  std::vector<network::Network::Utterance> all;
  for (const Utterance& one : utterances) all.push_back({as_rows(*one.features), one.interrupt});
  return network.embed_together(all);
}

/// As many of the first as have no more frames than that together; one at least.
std::span<const Utterance> first_together(std::span<const Utterance> utterances, std::size_t most_frames) {
  std::size_t count = 1;
  std::size_t frames = utterances.front().features->rows;
  while (count < utterances.size() && frames + utterances[count].features->rows <= most_frames) {
    frames += utterances[count++].features->rows;
  }
  return utterances.first(count);
}

/// Throws what LibTorch throws.
std::vector<Result<Embedding>> forward(const Script& script, at::Device device, std::span<const Utterance> utterances) {
  const auto [padded, lengths] = as_batch(utterances);
  const at::Tensor result = script(padded.to(device), lengths.to(device)).to(at::kCPU, at::kFloat);
  TORCH_CHECK(result.dim() == 2 && result.size(0) == padded.size(0), "forward gives ", result.sizes(),
              " for a batch of ", padded.size(0));
  std::vector<Result<Embedding>> embeddings;
  for (std::int64_t i = 0; i < result.size(0); ++i) {
    const at::Tensor row = result[i].contiguous();
    embeddings.emplace_back(Embedding(row.const_data_ptr<float>(), row.const_data_ptr<float>() + row.numel()));
  }
  return embeddings;
}

/// Throws what LibTorch throws.
std::vector<Result<Embedding>> run(const Network& network, at::Device device, std::span<const Utterance> utterances) {
  const network::TorchScope scope;
  if (const auto* script = std::get_if<Script>(&network)) {
    return forward(*script, device, utterances);
  }
  const network::Network& own = *std::get<std::unique_ptr<const network::Network>>(network);
  std::vector<Result<Embedding>> embeddings;
  while (embeddings.size() < utterances.size()) {
    const auto together = first_together(utterances.subspan(embeddings.size()), own.frames_together());
    try {
      if (together.size() > 1) {
        std::ranges::move(embed_together(own, together), std::back_inserter(embeddings));
      } else {
        embeddings.push_back(embed(own, together.front()));
      }
    } catch (...) {
      const Error error = torch_error(ErrorCode::INFERENCE_FAILED, "the network failed on an utterance");
      embeddings.insert(embeddings.end(), together.size(), error);
    }
  }
  return embeddings;
}

/// The most bytes of the host's memory that LibTorch has held at a time for this thread, while it lives.
class PeakMemory {
 public:
  std::int64_t bytes() const { return reports_->peak; }

 private:
  class Reports final : public c10::MemoryReportingInfoBase {
   public:
    void reportMemoryUsage(void*, std::int64_t size, std::size_t, std::size_t, c10::Device device) override {
      if (device.is_cpu()) {
        held += size;
        peak = std::max(peak, held);
      }
    }
    bool memoryProfilingEnabled() const override { return true; }

    std::int64_t held = 0;
    std::int64_t peak = 0;
  };

  std::shared_ptr<Reports> reports_ = std::make_shared<Reports>();
  c10::DebugInfoGuard guard_{c10::DebugInfoKind::PROFILER_STATE, reports_};
};

/// Bytes of activations, as a straight line over an utterance's frames.
struct ActivationBytes {
  double fixed = 0;
  double per_frame = 0;
};

bool is_finite(const Embedding& embedding) {
  return std::ranges::all_of(embedding, [](float value) { return std::isfinite(value); });
}

class TorchModel : public Model {
 public:
  TorchModel(Manifest manifest, Network network, Placement place, std::string precision, ActivationBytes measured)
      : manifest_(std::move(manifest)),
        network_(std::move(network)),
        place_(std::move(place)),
        precision_(std::move(precision)),
        measured_(measured),
        device_(place_.device.str()) {}

  const Manifest& manifest() const override { return manifest_; }
  const std::string& device() const override { return device_; }
  const std::string& device_note() const override { return place_.note; }
  const std::string& precision() const override { return precision_; }
  bool batches() const override { return place_.device.is_cuda(); }

  std::size_t frames_together() const override {
    const auto* own = std::get_if<std::unique_ptr<const network::Network>>(&network_);
    return own ? (*own)->frames_together() : 0;
  }

  std::uint64_t activation_bytes(std::size_t frames) const override {
    if (const auto* own = std::get_if<std::unique_ptr<const network::Network>>(&network_)) {
      return (*own)->activation_bytes(frames);
    }
    return static_cast<std::uint64_t>(measured_.fixed + measured_.per_frame * static_cast<double>(frames));
  }

  Result<std::vector<Result<Embedding>>> embed(std::span<const Utterance> utterances) const override {
    for (const Utterance& one : utterances) {
      const Matrix& matrix = *one.features;
      if (matrix.rows < manifest_.shortest_frames ||
          matrix.cols != static_cast<std::size_t>(manifest_.front_end.mel_bins)) {
        return Error{ErrorCode::INFERENCE_FAILED, "features are " + std::to_string(matrix.rows) + " x " +
                                                      std::to_string(matrix.cols) + " where at least " +
                                                      std::to_string(manifest_.shortest_frames) + " x " +
                                                      std::to_string(manifest_.front_end.mel_bins) + " belong"};
      }
    }
    if (utterances.empty()) {
      return std::vector<Result<Embedding>>();
    }
    try {
      std::vector<Result<Embedding>> embeddings = run(network_, place_.device, utterances);
      for (Result<Embedding>& embedding : embeddings) {
        if (embedding && !is_finite(embedding.value())) {
          embedding = Error{ErrorCode::INFERENCE_FAILED, "the network gave values that are not finite"};
        }
      }
      return embeddings;
    } catch (...) {
      return torch_error(ErrorCode::INFERENCE_FAILED,
                         "the network failed on " + std::to_string(utterances.size()) + " utterances");
    }
  }

 private:
  const Manifest manifest_;
  const Network network_;
  const Placement place_;
  const std::string precision_;
  const ActivationBytes measured_;  ///< of a script
  const std::string device_;
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
  const Utterance one[] = {{&features}};
  auto embeddings = model.embed(one);
  const auto embedding = embeddings ? std::move(embeddings.value().front()) : Result<Embedding>(embeddings.error());
  if (!embedding) {
    const auto& [code, message] = embedding.error();
    return Error{code == ErrorCode::INFERENCE_FAILED ? ErrorCode::MODEL_INVALID : code, message + trial};
  }
  if (const std::size_t dim = embedding.value().size(); dim != manifest.embedding_dim) {
    return Error{ErrorCode::MODEL_INVALID, "its embeddings have " + std::to_string(dim) +
                                               " values where its manifest says " +
                                               std::to_string(manifest.embedding_dim) + trial};
  }
  return ok();
}

/// Whether a network computes what its module's code says: one trial utterance both ways.
Status agree(const network::Network& network, Module& module, const Manifest& manifest, network::Precision precision) {
  // Rounding to bf16 evens out over frames.
  const bool bf16 = precision == network::Precision::bf16;
  const double rounding = bf16 ? 3e-2 : 1e-3;
  const std::size_t frames = bf16 ? std::max(manifest.shortest_frames, kTrialFrames) : manifest.shortest_frames;
  const Matrix features = trial_features(frames, static_cast<std::size_t>(manifest.front_end.mel_bins));
  const Utterance one[] = {{&features}};
  try {
    const auto [batch, lengths] = as_batch(one);
    const at::Tensor expected = module.forward({batch, lengths}).toTensor().flatten();
    Embedding found = embed(network, one[0]).value();  // nobody stops it
    const at::Tensor values = at::from_blob(found.data(), {std::ssize(found)});
    const auto difference = at::sub(values, expected).norm().item<double>();
    // The trials tell of values that are not finite.
    const bool same = difference <= rounding * expected.norm().item<double>() || !is_finite(found);
    return same ? ok() : Status(Error{ErrorCode::MODEL_INVALID, "its code and its constants differ"});
  } catch (...) {
    return torch_error(ErrorCode::MODEL_INVALID, "the network failed");
  }
}

/// What a network takes of the host's memory, by two trial utterances. Throws what LibTorch throws.
ActivationBytes measure_activations(const Network& network, at::Device device, const Manifest& manifest) {
  const auto peak = [&](std::size_t frames) {
    const Matrix features = trial_features(frames, static_cast<std::size_t>(manifest.front_end.mel_bins));
    const Utterance one[] = {{&features}};
    const PeakMemory memory;
    static_cast<void>(run(network, device, one));
    return static_cast<double>(memory.bytes());
  };
  const std::size_t frames = std::max(manifest.shortest_frames, kTrialFrames);
  const double once = peak(frames);
  const double per_frame = std::max((peak(2 * frames) - once) / static_cast<double>(frames), 0.0);
  return {std::max(once - per_frame * static_cast<double>(frames), 0.0), per_frame};
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

Result<std::unique_ptr<const Model>> load_at(const std::string& path, const Manifest& manifest, const Placement& place,
                                             const CodeTrust& trust, const std::string& precision) {
  try {
    const network::TorchScope scope;
    auto loaded = load_module(path, trust);
    if (!loaded) {
      return std::move(loaded).error();
    }
    Module& module = loaded.value();
    if (!takes_features_and_lengths(module)) {
      return not_usable(path, "its module has no forward(features, lengths) that gives a tensor");
    }
    if (const std::string digest = weights_digest(module); digest != manifest.weights_digest) {
      return not_usable(path, "its weights are damaged: digest " + digest + ", expected " + manifest.weights_digest +
                                  "; fetch or make it again");
    }
    auto model = make_model(manifest, std::move(module), place.device, place.note, precision);
    return model ? std::move(model) : Error{model.error().code, not_usable(path, model.error().message).message};
  } catch (...) {
    return torch_error(ErrorCode::MODEL_INVALID, "the bundle '" + path + "' cannot be loaded");
  }
}

}  // namespace

Result<std::unique_ptr<const Model>> make_model(const Manifest& manifest, Module module, at::Device device,
                                                const std::string& device_note, const std::string& precision) {
  using network::Precision;
  module.eval();
  const bool ours = device.is_cpu() && network::EcapaNetwork::is_of(module);
  const auto [computes_in, note] = find_computation(precision, manifest.precision == "int8", ours);
  const Precision products = computes_in == "int8"   ? network::beside_int8()
                             : computes_in == "bf16" ? Precision::bf16
                                                     : Precision::fp32;
  std::unique_ptr<const network::Network> own;
  if (ours) {
    own = network::EcapaNetwork::of(module, products);
  } else if (device.is_cpu() && manifest.precision != "int8") {
    own = network::CampplusNetwork::of(module);
  }
  const bool int8 = widen(module);
  Placement place{device, device_note};
  if (!note.empty()) {
    place.note += (place.note.empty() ? "" : "; ") + note;
  }
  if (own && !int8) {  // what was taken to int8 was compared in fp32
    if (auto status = agree(*own, module, manifest, products); !status) {
      return std::move(status).error();
    }
  }
  module.to(device);
  auto network = own ? Network(std::move(own)) : Network(Script(torch::jit::freeze(module)));
  const ActivationBytes measured =
      std::holds_alternative<Script>(network) ? measure_activations(network, device, manifest) : ActivationBytes{};
  auto model =
      std::make_unique<const TorchModel>(manifest, std::move(network), std::move(place), computes_in, measured);
  for (const std::size_t frames : {manifest.shortest_frames, std::max(manifest.shortest_frames, kTrialFrames)}) {
    if (auto status = try_out(*model, frames); !status) {
      return std::move(status).error();
    }
  }
  return std::unique_ptr<const Model>(std::move(model));
}

Result<std::unique_ptr<const Model>> load_torch_model(const std::string& path, const std::string& device,
                                                      const CodeTrust& trust, const std::string& precision) {
  auto place = find_place(device);
  if (!place) {
    return std::move(place).error();
  }
  auto manifest = read_manifest(path);
  if (!manifest) {
    return std::move(manifest).error();
  }
  if (auto fits = expect_kind(manifest.value(), Kind::embedding); !fits) {
    return std::move(fits).error();
  }
  if (auto fits = expect_precision(precision, manifest.value().precision); !fits) {
    return std::move(fits).error();
  }
  auto model = load_at(path, manifest.value(), place.value(), trust, precision);
  if (!model && device == "auto" && place.value().device.is_cuda()) {
    return load_at(path, manifest.value(), {at::kCPU, model.error().message}, trust, precision);
  }
  return model;
}

TorchRuntime torch_runtime() {
  return {TORCH_VERSION, at::get_cpu_capability(), cuda_devices(), cuda_built(), network::bf16_unit()};
}

}  // namespace timbre::bundle
