#pragma once

#include <torch/csrc/jit/api/module.h>

#include <memory>

#include "network/network.h"

namespace timbre::network {

/// The network of models/timbre_models/campplus.py in float32. See docs/adr/0033.
class CampplusNetwork : public Network {
 public:
  /// The network of a module, whose constants and tensors say the rest; nothing for a module of other code. Throws what
  /// LibTorch throws.
  static std::unique_ptr<const CampplusNetwork> of(const torch::jit::Module& module);
};

}  // namespace timbre::network
