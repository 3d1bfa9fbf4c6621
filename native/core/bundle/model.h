#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bundle/manifest.h"
#include "network/embedding.h"
#include "support/matrix.h"
#include "support/result.h"

namespace timbre::bundle {

using network::Embedding;

/// A loaded network. Thread-safe: workers share one.
class Model {
 public:
  virtual ~Model() = default;

  virtual const Manifest& manifest() const = 0;

  /// "cpu", "cuda:0".
  virtual const std::string& device() const = 0;

  /// Why the device is not the one that was preferred; empty when it is.
  virtual const std::string& device_note() const = 0;

  /// Whether several utterances at a time are faster than one.
  virtual bool batches() const = 0;

  /// One embedding per utterance, in order; each the same as it would be alone.
  /// Errors: INFERENCE_FAILED, OUT_OF_MEMORY (nothing is kept; a smaller batch may do).
  virtual Result<std::vector<Embedding>> embed(std::span<const Matrix* const> features) const = 0;
};

}  // namespace timbre::bundle
