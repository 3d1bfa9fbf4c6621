#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "network/embedding.h"
#include "simd/rows.h"
#include "support/for_each.h"
#include "support/interrupt.h"
#include "support/result.h"

namespace timbre::network {

/// A network as a processor likes it: weights laid out once, few passes over the activations, no copies. The same sums
/// as its module's own forward, up to rounding. Immutable: any thread may embed.
class Network {
 public:
  /// What is embedded together with others.
  struct Utterance {
    simd::ConstRows features;  ///< [frames, bins], at least as many frames as the manifest asks for
    const Interrupt* interrupt;
  };

  virtual ~Network() = default;

  /// features: [frames, bins], at least as many frames as the manifest asks for. Tiles of a few hundred frames go
  /// through `for_each`; the result is the same bit for bit on whatever threads they run. Looks at `interrupt` before
  /// every layer of every tile. Buffers are kept by each thread for its next utterance. Errors: what `interrupt` says.
  /// Throws what LibTorch throws.
  virtual Result<Embedding> embed(simd::ConstRows features, const Interrupt& interrupt,
                                  const ForEach& for_each = kInTurn) const = 0;

  /// Frames of several utterances up to which embed_together() is faster than embed() of one after the other, since
  /// the time goes to reading weights; 0 where it is not.
  virtual std::size_t frames_together() const { return 0; }

  /// What embed() gives for each, in order, bit for bit. One that is told to stop has its error in its place. Throws
  /// what LibTorch throws.
  virtual std::vector<Result<Embedding>> embed_together(std::span<const Utterance> utterances) const {
    std::vector<Result<Embedding>> embeddings;
    for (const auto& [features, interrupt] : utterances) embeddings.push_back(embed(features, *interrupt));
    return embeddings;
  }

  /// Bytes that an utterance of so many frames takes, beside what every one takes.
  virtual std::uint64_t activation_bytes(std::size_t frames) const = 0;
};

}  // namespace timbre::network
