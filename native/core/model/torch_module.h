#pragma once

#include <torch/csrc/jit/api/module.h>

#include <string>

#include "support/error.h"

namespace timbre {

/// The digest of a module's parameters and buffers, which lie on the CPU.
std::string weights_digest(const torch::jit::Module& module);

/// The exception being handled, as an error of one line without LibTorch's stack: OUT_OF_MEMORY where memory ran out,
/// else `otherwise` with `what` before it. Only inside a catch block.
Error torch_error(ErrorCode otherwise, const std::string& what);

}  // namespace timbre
