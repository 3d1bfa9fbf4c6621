#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bundle/manifest.h"
#include "network/embedding.h"
#include "support/for_each.h"
#include "support/interrupt.h"
#include "support/matrix.h"
#include "support/result.h"

namespace timbre::bundle {

using network::Embedding;

/// What a model embeds, and what may stop it.
struct Utterance {
  const Matrix* features;
  const Interrupt* interrupt = &kUninterrupted;
  const ForEach* for_each = &kInTurn;  ///< runs parts of it, where a processor embeds it by parts
};

/// A loaded network. Thread-safe: workers share one.
class Model {
 public:
  virtual ~Model() = default;

  virtual const Manifest& manifest() const = 0;

  /// "cpu", "cuda:0".
  virtual const std::string& device() const = 0;

  /// Why the device is not the one that was preferred; empty when it is.
  virtual const std::string& device_note() const = 0;

  /// What its products multiply in: "fp32", "bf16", "int8".
  virtual const std::string& precision() const = 0;

  /// Whether several utterances at a time are faster than one.
  virtual bool batches() const = 0;

  /// Frames of several utterances up to which a processor embeds them faster together than one after the other; 0 where
  /// it does not.
  virtual std::size_t frames_together() const = 0;

  /// Bytes of the host's memory that embed() takes at most for an utterance of so many frames, beside its features.
  virtual std::uint64_t activation_bytes(std::size_t frames) const = 0;

  /// One result per utterance, in order; each the same as it would be alone. What is wrong with one of them (it stops,
  /// or gives values that are not finite) is the error of its own result. On a processor an utterance stops within one
  /// tile of the network, or with those that it is embedded together with; a device finishes the batch that it has
  /// begun. Errors: INFERENCE_FAILED, OUT_OF_MEMORY (nothing is kept; a smaller batch may do).
  virtual Result<std::vector<Result<Embedding>>> embed(std::span<const Utterance> utterances) const = 0;
};

}  // namespace timbre::bundle
