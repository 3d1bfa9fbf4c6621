#pragma once

#include <torch/csrc/jit/api/module.h>

#include <memory>

#include "network/network.h"
#include "network/precision.h"

namespace timbre::network {

/// The network of models/timbre_models/ecapa.py, with one pass over the activations between two products. Short
/// utterances that are embedded together share the reading of weights. See docs/adr/0006, 0022, 0026 and 0028.
class EcapaNetwork : public Network {
 public:
  /// The network of a module, whose constants and tensors say the rest. Layers of weights in int8 multiply in int8
  /// where the processor can; `precision` is that of the others. Nothing for a module of other code. Throws what
  /// LibTorch throws.
  static std::unique_ptr<const EcapaNetwork> of(const torch::jit::Module& module, Precision precision);

  /// Whether the module is of the code that this is a network of.
  static bool is_of(const torch::jit::Module& module);
};

}  // namespace timbre::network
