#pragma once

#include <memory>
#include <string>

#include "bundle/code_trust.h"
#include "bundle/model.h"

namespace timbre::bundle {

/// Loads a bundle, checks its manifest, the digest of its weights and two trial utterances, and freezes it on the
/// device.
///
/// device: "auto" (CUDA where there is one that works, with the reason in device_note() when not), "cpu", "cuda",
/// "cuda:1".
/// precision: "auto" (that of an int8 bundle; of another one bf16 where the processor has AMX for it and fp32
/// elsewhere), "fp32", "bf16" (of this project's ECAPA-TDNN on a processor that has it, else fp32 with the reason in
/// device_note()), "int8" (of a bundle that was made so); empty for that of the weights.
///
/// Nothing of the file is run unless it is the code of a skeleton that is shipped, or trusted.
/// Errors: MODEL_NOT_FOUND, MODEL_INVALID, MODEL_UNTRUSTED, DEVICE_UNAVAILABLE, OUT_OF_MEMORY, INVALID_ARGUMENT.
Result<std::unique_ptr<const Model>> load_torch_model(const std::string& path, const std::string& device,
                                                      const CodeTrust& trust, const std::string& precision = "");

/// LibTorch's version, its CPU capability ("AVX512"), and the CUDA devices it sees.
struct TorchRuntime {
  std::string version;
  std::string cpu_capability;
  int cuda_devices = 0;
  bool cuda_built = false;
  std::string bf16;  ///< what multiplies in bf16 on this processor: "amx", "avx512_bf16", or nothing
};
TorchRuntime torch_runtime();

}  // namespace timbre::bundle
