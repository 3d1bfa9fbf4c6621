#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/job.h"
#include "support/for_each.h"
#include "support/matrix.h"

namespace timbre {

/// A job whose features are made.
struct Prepared {
  JobPtr job;
  Matrix features;
};

/// Runs prepared jobs through the model together, as many as memory allows. Used by one thread.
class Batcher {
 public:
  Batcher(const bundle::Model& model, std::size_t max_batch) : model_(model), max_batch_(max_batch), cap_(max_batch) {}

  /// How many prepared jobs to take at most.
  std::size_t capacity() const { return cap_; }

  /// One result per job, in order; what is wrong with one costs the others nothing. A batch that does not fit into
  /// memory is halved, down to one utterance, whose job alone then fails; the size that fitted stays the cap and
  /// doubles again after successes. `forward_calls` is raised by the calls made; `for_each` runs parts of an utterance.
  std::vector<Result<bundle::Embedding>> run(std::span<Prepared* const> batch, std::uint64_t& forward_calls,
                                             const ForEach& for_each = kInTurn);

 private:
  const bundle::Model& model_;
  const std::size_t max_batch_;
  std::size_t cap_;
  std::size_t successes_ = 0;
};

}  // namespace timbre
