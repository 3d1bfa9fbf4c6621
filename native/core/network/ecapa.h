#pragma once

#include <torch/csrc/jit/api/module.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "network/embedding.h"
#include "network/frame_layer.h"
#include "network/page_buffer.h"
#include "network/precision.h"
#include "simd/rows.h"
#include "support/interrupt.h"
#include "support/result.h"

namespace timbre::network {

/// The network of models/timbre_models/ecapa.py as a processor likes it: one utterance at a time, weights laid out
/// once, one pass over the activations between two products, no copies. The same sums as the module's own forward, up
/// to rounding. Immutable: any thread may embed. See docs/adr/0006 and 0022.
class EcapaNetwork {
 public:
  /// Activations of an utterance, kept for the next one: one for each thread.
  class Workspace;

  /// The network of a module, whose constants and tensors say the rest. Weights in int8 need `fp32`: they multiply in
  /// int8 where the processor can. Nothing for a module of other code. Throws what LibTorch throws.
  static std::unique_ptr<const EcapaNetwork> of(const torch::jit::Module& module, Precision precision);

  /// Whether the module is of the code that this is a network of.
  static bool is_of(const torch::jit::Module& module);

  virtual ~EcapaNetwork() = default;

  /// features: [frames, bins], at least as many frames as the manifest asks for. Looks at `interrupt` before every
  /// layer of every few hundred frames. Errors: what `interrupt` says. Throws what LibTorch throws.
  virtual Result<Embedding> embed(simd::ConstRows features, Workspace& workspace, const Interrupt& interrupt) const = 0;

  /// Bytes that a workspace takes for so many frames, beside what every one takes.
  virtual std::uint64_t activation_bytes(std::size_t frames) const = 0;
};

class EcapaNetwork::Workspace {
 public:
  /// Rows of the buffer with this number, whose content is undefined; behind them lies what a layer may read.
  template <typename T>
  simd::RowsOf<T> rows(std::size_t buffer, std::size_t count, std::size_t width);

  /// Gives back what only long utterances need.
  void trim() noexcept;

  LayerScratch scratch;
  const Interrupt* interrupt = &kUninterrupted;  ///< of the utterance at hand

 private:
  std::array<PageBuffer, 4> buffers_;
};

}  // namespace timbre::network
