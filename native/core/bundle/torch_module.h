#pragma once

#include <torch/csrc/jit/api/module.h>

#include <memory>
#include <string>
#include <vector>

#include "bundle/code_trust.h"
#include "bundle/model.h"
#include "support/result.h"

namespace timbre::bundle {

/// The module of a bundle, on the CPU. All that is code in the file is compared with the skeletons' before LibTorch is
/// given any of it. Errors: MODEL_UNTRUSTED. Throws what LibTorch throws.
Result<torch::jit::Module> load_module(const std::string& path, const CodeTrust& trust);

/// The digest of a module's parameters and buffers, which lie on the CPU.
std::string weights_digest(const torch::jit::Module& module);

/// Tensors stored in half precision or int8 become float32; whether any was int8.
bool widen(torch::jit::Module& module);

/// A module frozen on the device, after two trial utterances. The module's tensors must outlive the call only.
/// Errors: MODEL_INVALID where it does not do what the manifest says, OUT_OF_MEMORY. Throws what LibTorch throws.
Result<std::unique_ptr<const Model>> make_model(const Manifest& manifest, torch::jit::Module module, at::Device device,
                                                const std::string& device_note, const std::string& precision = "");

/// The exception being handled, as an error of one line without LibTorch's stack: OUT_OF_MEMORY where memory ran out,
/// else `otherwise` with `what` before it. Only inside a catch block.
Error torch_error(ErrorCode otherwise, const std::string& what);

}  // namespace timbre::bundle
