#include "checkpoint/convert.h"

#include <ATen/Functions.h>
#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/export.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "archive/atomic_file.h"
#include "bundle/facts.h"
#include "bundle/torch_module.h"
#include "bundle/torch_segmentation.h"
#include "bundle/verify.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/family.h"
#include "network/int8.h"
#include "network/torch_settings.h"
#include "support/text.h"

namespace timbre::checkpoint {

namespace {

using caffe2::serialize::PyTorchStreamReader;
using nlohmann::ordered_json;
using torch::jit::Module;

constexpr std::string_view kExtra = "extra/";
constexpr const char* kManifest = "manifest.json";

std::string read_record(PyTorchStreamReader& reader, const std::string& name) {
  const auto [bytes, size] = reader.getRecord(name);
  return {static_cast<const char*>(bytes.get()), size};
}

/// Every variant there is a skeleton of, the plainest first.
Result<std::vector<Variant>> read_variants(const std::string& folder) {
  std::vector<Variant> variants;
  std::error_code fault;
  for (const auto& entry : std::filesystem::directory_iterator(folder, fault)) {
    if (entry.path().extension() != ".pt") {
      continue;
    }
    const std::string path = entry.path().string();
    PyTorchStreamReader reader(path);
    auto variant = parse_variant(read_record(reader, "extra/family.json"), path);
    if (!variant) {
      return std::move(variant).error();
    }
    variants.push_back(std::move(variant).value());
  }
  if (variants.empty()) {
    return Error{ErrorCode::MODEL_NOT_FOUND,
                 "there are no skeletons of models in " + quote(folder) + ": install timbre-voice again"};
  }
  std::ranges::sort(variants, {}, [](const Variant& variant) {
    return std::pair(variant.tensors.size(), std::string_view(variant.name));
  });
  return variants;
}

/// The submodule that holds "blocks.0.enter.linear.weight", and "weight".
std::pair<Module, std::string> find_slot(Module module, std::string_view name) {
  for (;;) {
    const std::size_t dot = name.find('.');
    if (dot == name.npos) {
      return {std::move(module), std::string(name)};
    }
    module = module.attr(std::string(name.substr(0, dot))).toModule();
    name.remove_prefix(dot + 1);
  }
}

Error no_int8(const std::string& family) {
  return {ErrorCode::INVALID_ARGUMENT,
          "int8 is for ECAPA-TDNN, and " + family + " is another network: keep it in fp32"};
}

bool bears_int8(const Module& module) {
  for (const auto& parameter : module.named_parameters()) {
    if (network::bears_int8(parameter.name)) {
      return true;
    }
  }
  return false;
}

/// How the weight matrices are kept.
struct Keeping {
  bool int8 = false;  ///< those of the layers that bear it
  bool half = false;  ///< the others
};

/// Weights as they are kept. Errors: INVALID_ARGUMENT where half precision, asked for, would overflow.
Result<at::Tensor> as_kept(const std::string& name, const at::Tensor& weights, Keeping keeping) {
  constexpr double kLargestHalf = 65504;
  const bool halve = keeping.half && weights.dim() > 1;
  if (halve && weights.numel() > 0 && weights.abs().max().item<double>() > kLargestHalf) {
    return Error{ErrorCode::INVALID_ARGUMENT,
                 "the weights of " + quote(name) + " do not fit half precision: store them as fp32"};
  }
  if (keeping.int8 && network::bears_int8(name)) {
    return network::to_int8(weights.to(at::kFloat));
  }
  return halve ? weights.to(at::kHalf) : weights;
}

Status put(const Module& module, const std::string& path, const at::Tensor& weights, Keeping keeping) {
  auto kept = as_kept(path, weights, keeping);
  if (!kept) {
    return std::move(kept).error();
  }
  auto [owner, name] = find_slot(module, path);
  owner.setattr(name, std::move(kept).value());
  return ok();
}

/// Tensors of a skeleton, with the checkpoint's values and sizes. They borrow the values' memory.
Status fill(const Module& skeleton, std::vector<NetworkTensor>& tensors, Keeping keeping) {
  for (NetworkTensor& tensor : tensors) {
    const at::Tensor values = at::from_blob(tensor.values.data(), tensor.shape, at::kFloat);
    if (auto status = put(skeleton, tensor.name, values, keeping); !status) {
      return status;
    }
  }
  return ok();
}

/// Writes the rule for pauses that the request asks for, or none. What a bundle had is removed.
void describe_pauses(ordered_json& manifest, bool cut) {
  manifest.erase("pauses");
  manifest["format"] = cut ? 2 : 1;
  if (cut) {
    const PauseRule pauses = default_pauses();
    manifest["pauses"] = {{"detector", pauses.detector},
                          {"longestSeconds", pauses.longest},
                          {"marginSeconds", pauses.margin},
                          {"silence", pauses.silence},
                          {"fadeSeconds", pauses.fade}};
  }
}

ordered_json describe(const ConvertRequest& request, const Checkpoint& checkpoint, const Variant& variant,
                      const std::map<std::string, std::int64_t>& sizes) {
  const auto family = ordered_json::parse(variant.json);
  ordered_json network = family.at("network");
  for (const auto& [field, derived] : family.at("sizes").items()) {
    network[field] = derived.at(0).get<std::int64_t>() * sizes.at(derived.at(1).get<std::string>());
  }
  ordered_json manifest;
  manifest["format"] = 1;
  if (family.contains("kind")) {
    manifest["kind"] = family.at("kind");
  }
  manifest["id"] = request.id;
  manifest["version"] = request.version;
  manifest["family"] = variant.family;
  manifest["variant"] = variant.name;
  manifest["trained"] = !is_untrained(checkpoint);
  manifest["precision"] = request.precision;
  manifest["storage"] = request.storage;
  const bool embeds = family.contains("frontEnd");
  if (embeds) {
    manifest["embedding"] = {{"dim", network.at("embeddingDim")}};
  }
  manifest["input"] = family.at("input");
  if (embeds) {
    manifest["frontEnd"] = family.at("frontEnd");
    manifest["frontEnd"]["melBins"] = network.at("featureDim");
  }
  manifest["network"] = std::move(network);
  if (embeds) {
    describe_pauses(manifest, request.pauses != "keep");
  }
  const std::filesystem::path file(request.checkpoint);
  manifest["source"] = {{"file", file.filename().string()}, {"bytes", std::filesystem::file_size(file)}};
  if (!checkpoint.notes().empty()) {
    manifest["source"]["notes"] = checkpoint.notes();
  }
  return manifest;
}

/// Adds the digest of the module's tensors, and what the weights in full make of the recordings that verify_bundle()
/// repeats, from which the module must not be far.
Status measure(ordered_json& manifest, const Module& stored, const Module& in_full) {
  manifest["weightsDigest"] = {{"algorithm", "xxh3-128"}, {"value", bundle::weights_digest(stored)}};
  auto parsed = bundle::parse_manifest(manifest.dump());
  if (!parsed) {
    return Error{ErrorCode::INVALID_ARGUMENT, "with this id, version and facts " + parsed.error().message};
  }
  const auto vectors_of = [&](const Module& module) -> Result<std::string> {
    if (parsed.value().kind == bundle::Kind::segmentation) {
      const auto segmentation = bundle::make_segmentation_model(parsed.value(), module.clone());
      return segmentation ? bundle::verification_vectors(segmentation.value()) : segmentation.error();
    }
    auto model = bundle::make_model(parsed.value(), module.clone(), at::kCPU, "");
    return model ? bundle::verification_vectors(*model.value()) : std::move(model).error();
  };
  auto vectors = vectors_of(in_full);
  if (!vectors) {
    return std::move(vectors).error();
  }
  manifest["verification"] = ordered_json::parse(vectors.value());
  if (parsed.value().precision == "fp32") {
    return ok();
  }
  parsed = bundle::parse_manifest(manifest.dump());
  if (!parsed) {
    return std::move(parsed).error();
  }
  auto model = bundle::make_model(parsed.value(), stored.clone(), at::kCPU, "");
  if (!model) {
    return std::move(model).error();
  }
  const auto report = bundle::verify_model(*model.value());
  if (!report) {
    return report.error();
  }
  if (!report.value().passed) {
    const auto worst =
        std::ranges::max(report.value().cases, {}, &bundle::VerifyCase::one_minus_cosine).one_minus_cosine;
    return Error{ErrorCode::MODEL_INVALID, "in int8 its embeddings move away from those in fp32, to a cosine of " +
                                               std::to_string(1 - worst) + ": keep it in fp32"};
  }
  return ok();
}

/// Measures the module and writes it to request.out with its manifest and what else lies in a bundle.
Result<bundle::Manifest> finish(const ConvertRequest& request, const ordered_json& described, const Module& stored,
                                const Module& in_full, torch::jit::ExtraFilesMap extras) {
  auto facts = bundle::merge_facts(described.dump(), request.facts);
  if (!facts) {
    return std::move(facts).error();
  }
  ordered_json manifest = ordered_json::parse(facts.value());
  if (auto status = measure(manifest, stored, in_full); !status) {
    const auto& [code, message] = status.error();
    return Error{code, "checkpoint " + quote(request.checkpoint) + ": " + message};
  }
  auto parsed = bundle::parse_manifest(manifest.dump(1));
  if (!parsed) {
    return std::move(parsed).error();
  }
  extras[kManifest] = parsed.value().json;

  auto file = archive::AtomicFile::create(request.out);
  if (!file) {
    return std::move(file).error();
  }
  const auto sink = [&](const void* bytes, std::size_t count) {
    file.value().write(bytes, count);
    return count;  // commit() tells; the writer's own failures end in its destructor
  };
  torch::jit::ExportModule(stored, sink, extras);
  if (auto status = file.value().commit(); !status) {
    return std::move(status).error();
  }
  return parsed;
}

/// A bundle's module with its weight matrices kept otherwise.
Status keep(const Module& module, Keeping keeping) {
  for (const auto& [path, weights] : module.named_parameters()) {
    if (auto status = put(module, path, weights, keeping); !status) {
      return status;
    }
  }
  return ok();
}

/// Whether pauses can be asked for. Errors: INVALID_ARGUMENT.
Status expect_pauses(const ConvertRequest& request, bool embeds) {
  if (embeds || request.pauses.empty()) {
    return ok();
  }
  return Error{ErrorCode::INVALID_ARGUMENT,
               "a segmentation network is given recordings with all their pauses: leave out pauses"};
}

/// A bundle once more, in another precision.
Result<bundle::Manifest> convert_bundle(const ConvertRequest& request, const bundle::Manifest& manifest) {
  if (manifest.precision != "fp32") {
    return Error{ErrorCode::INVALID_ARGUMENT, "the bundle " + quote(request.checkpoint) + " is in " +
                                                  manifest.precision + " already; take the one it was made of"};
  }
  if (!request.family.empty() && request.family != manifest.family) {
    return Error{ErrorCode::INVALID_ARGUMENT, "the bundle " + quote(request.checkpoint) + " is of the family " +
                                                  manifest.family + ", not " + request.family};
  }
  if (auto allowed = expect_pauses(request, manifest.kind == bundle::Kind::embedding); !allowed) {
    return std::move(allowed).error();
  }
  torch::jit::ExtraFilesMap extras;
  PyTorchStreamReader reader(request.checkpoint);
  for (const std::string& name : reader.getAllRecords()) {
    if (name.starts_with(kExtra)) {
      extras[name.substr(kExtra.size())] = read_record(reader, name);
    }
  }
  auto loaded = bundle::load_module(request.checkpoint, request.trust);
  if (!loaded) {
    return std::move(loaded).error();
  }
  Module& in_full = loaded.value();
  in_full.eval();
  if (bundle::weights_digest(in_full) != manifest.weights_digest) {
    return Error{ErrorCode::MODEL_INVALID,
                 "the bundle " + quote(request.checkpoint) + " is damaged: fetch or make it again"};
  }
  if (request.precision == "int8" && !bears_int8(in_full)) {
    return no_int8(manifest.family);
  }
  const Module stored = in_full.deepcopy();
  if (auto status = keep(stored, {request.precision == "int8", request.storage == "fp16"}); !status) {
    return std::move(status).error();
  }

  ordered_json described = ordered_json::parse(manifest.json);
  described["source"]["bundle"] = {{"id", manifest.id}, {"weightsDigest", manifest.weights_digest}};
  described["id"] = request.id;
  described["version"] = request.version;
  described["precision"] = request.precision;
  if (request.storage == "fp16") {
    described["storage"] = request.storage;
  }
  if (!request.pauses.empty()) {
    describe_pauses(described, request.pauses == "cut");
  }
  return finish(request, described, stored, in_full, std::move(extras));
}

Result<bundle::Manifest> convert(const ConvertRequest& request) {
  const network::TorchScope scope;
  if (const auto bundle = bundle::read_manifest(request.checkpoint)) {
    return convert_bundle(request, bundle.value());
  }
  auto checkpoint = Checkpoint::open(request.checkpoint);
  if (!checkpoint) {
    return std::move(checkpoint).error();
  }
  const auto refuse = [&](const Error& error) {
    return Error{error.code, "checkpoint " + quote(request.checkpoint) + ": " + error.message};
  };
  auto variants = read_variants(request.trust.skeletons);
  if (!variants) {
    return std::move(variants).error();
  }
  const auto variant = recognise(checkpoint.value(), variants.value(), request.family);
  if (!variant) {
    return refuse(variant.error());
  }
  const bool int8 = request.precision == "int8";
  if (int8 && std::ranges::none_of(variant.value()->tensors, network::bears_int8, &TensorSource::target)) {
    return no_int8(variant.value()->family);
  }
  if (auto allowed = expect_pauses(request, ordered_json::parse(variant.value()->json).contains("frontEnd"));
      !allowed) {
    return std::move(allowed).error();
  }
  auto tensors = arrange(checkpoint.value(), *variant.value());
  if (!tensors) {
    return refuse(tensors.error());
  }
  const ordered_json described =
      describe(request, checkpoint.value(), *variant.value(), fit(checkpoint.value(), *variant.value()).sizes);
  const auto filled = [&](bool as_int8) -> Result<Module> {
    Module module = torch::jit::load(variant.value()->skeleton, at::kCPU, /*load_debug_files=*/false);
    if (auto status = fill(module, tensors.value(), {as_int8, request.storage == "fp16"}); !status) {
      return std::move(status).error();
    }
    module.eval();
    return module;
  };
  const auto module = filled(int8);
  if (!module) {
    return module.error();
  }
  const auto in_full = int8 ? filled(false) : module;
  return finish(request, described, module.value(), in_full.value(), {});
}

}  // namespace

Result<bundle::Manifest> convert_checkpoint(const ConvertRequest& request) {
  if (request.precision != "fp32" && request.precision != "int8") {
    return Error{ErrorCode::INVALID_ARGUMENT, "precision " + quote(request.precision) + " is neither fp32 nor int8"};
  }
  if (request.storage != "fp32" && request.storage != "fp16") {
    return Error{ErrorCode::INVALID_ARGUMENT, "storage " + quote(request.storage) + " is neither fp32 nor fp16"};
  }
  if (!request.pauses.empty() && request.pauses != "cut" && request.pauses != "keep") {
    return Error{ErrorCode::INVALID_ARGUMENT, "pauses " + quote(request.pauses) + " is neither cut nor keep"};
  }
  try {
    return convert(request);
  } catch (...) {
    return bundle::torch_error(ErrorCode::INTERNAL,
                               "the checkpoint " + quote(request.checkpoint) + " cannot be converted");
  }
}

}  // namespace timbre::checkpoint
