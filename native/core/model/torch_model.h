#pragma once

#include <memory>
#include <string>

#include "model/model.h"

namespace timbre {

/// Loads a bundle, checks its manifest and the digest of its weights, freezes it and moves it to the device.
///
/// device: "auto" (CUDA where there is one, with the reason in device_note() when not), "cpu", "cuda", "cuda:1".
/// Errors: MODEL_NOT_FOUND, MODEL_INVALID, DEVICE_UNAVAILABLE, OUT_OF_MEMORY, INVALID_ARGUMENT.
Result<std::unique_ptr<const Model>> load_torch_model(const std::string& path, const std::string& device);

/// The manifest of a bundle without loading its weights. Errors as load_torch_model().
Result<Manifest> read_manifest(const std::string& path);

/// LibTorch's version, its CPU capability ("AVX512"), and the CUDA devices it sees.
struct TorchRuntime {
  std::string version;
  std::string cpu_capability;
  int cuda_devices = 0;
  bool cuda_built = false;
};
TorchRuntime torch_runtime();

}  // namespace timbre
