#pragma once

#include <torch/csrc/jit/api/module.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "network/embedding.h"
#include "network/precision.h"
#include "simd/rows.h"
#include "support/for_each.h"
#include "support/interrupt.h"
#include "support/result.h"

namespace timbre::network {

/// The network of models/timbre_models/ecapa.py as a processor likes it: weights laid out once, one pass over the
/// activations between two products, no copies. The same sums as the module's own forward, up to rounding. Immutable:
/// any thread may embed. See docs/adr/0006, 0022, 0026 and 0028.
class EcapaNetwork {
 public:
  /// What is embedded together with others.
  struct Utterance {
    simd::ConstRows features;  ///< [frames, bins], at least as many frames as the manifest asks for
    const Interrupt* interrupt;
  };

  /// The network of a module, whose constants and tensors say the rest. Layers of weights in int8 multiply in int8
  /// where the processor can; `precision` is that of the others. Nothing for a module of other code. Throws what
  /// LibTorch throws.
  static std::unique_ptr<const EcapaNetwork> of(const torch::jit::Module& module, Precision precision);

  /// Whether the module is of the code that this is a network of.
  static bool is_of(const torch::jit::Module& module);

  virtual ~EcapaNetwork() = default;

  /// features: [frames, bins], at least as many frames as the manifest asks for. Tiles of a few hundred frames go
  /// through `for_each`; the result is the same bit for bit on whatever threads they run. Looks at `interrupt` before
  /// every layer of every tile. Buffers are kept by each thread for its next utterance. Errors: what `interrupt` says.
  /// Throws what LibTorch throws.
  virtual Result<Embedding> embed(simd::ConstRows features, const Interrupt& interrupt,
                                  const ForEach& for_each = kInTurn) const = 0;

  /// Frames of several utterances up to which embed_together() is faster than embed() of one after the other, since
  /// the time goes to reading weights; 0 where it is not.
  virtual std::size_t frames_together() const = 0;

  /// What embed() gives for each, in order, bit for bit: the rows of all go through the wide products together. One
  /// that is told to stop has its error in its place, once all have ended. Throws what LibTorch throws.
  virtual std::vector<Result<Embedding>> embed_together(std::span<const Utterance> utterances) const = 0;

  /// Bytes that an utterance of so many frames takes, beside what every one takes.
  virtual std::uint64_t activation_bytes(std::size_t frames) const = 0;
};

}  // namespace timbre::network
