#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "conversation/recipe.h"
#include "support/interrupt.h"
#include "support/matrix.h"

namespace timbre::conversation {

/// Local speakers of windows, N of them, with an embedding each.
struct Items {
  std::vector<std::size_t> window;
  std::vector<std::size_t> local;
  std::vector<double> own;    ///< seconds in which nobody else speaks
  std::vector<double> share;  ///< the same divided by the windows that see each frame: seconds of the recording
  Matrix unit;                ///< [N, D]

  struct Part {
    std::uint32_t piece;  ///< its place in Pieces
    float share;          ///< of it that lies in the item's own speech
  };
  std::vector<std::vector<Part>> parts;  ///< of each item, the pieces that are its own for the most part
};

/// What was embedded: P pieces in order of time.
struct Pieces {
  std::vector<std::uint32_t> at;  ///< middles, in hops
  Matrix unit;                    ///< [P, D]
};

/// The speakers' unit centroids [K, D], counts.least <= K <= counts.most where the speech allows it.
/// `purity` [P] is the share of each piece in which exactly one speaker talks.
/// Too few speakers become more by trusting short items first, by not merging last.
Matrix find_speakers(const Items& items, const Pieces& pieces, const std::vector<double>& purity, const Recipe& recipe,
                     const SpeakerCounts& counts, const Interrupt& interrupt);

constexpr std::size_t kNobody = ~std::size_t{0};

/// The speaker of every item: inside a window one to one, so that the cosines' sum is highest; kNobody where the cosine
/// is below `stranger`. `everybody`: an item that nobody is left for takes its nearest.
std::vector<std::size_t> assign_items(const Items& items, const Matrix& centroids, double stranger, bool everybody);

}  // namespace timbre::conversation
