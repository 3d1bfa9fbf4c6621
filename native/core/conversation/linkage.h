#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "support/interrupt.h"
#include "support/matrix.h"

namespace timbre::conversation {

/// When clusters stop merging.
struct LinkLimits {
  double threshold = 0;                                        ///< mean cosine below which they do not
  std::size_t least = 1;                                       ///< clusters that are left in any case
  std::size_t most = std::numeric_limits<std::size_t>::max();  ///< clusters above which they merge all the same
};

/// Clusters of unit vectors [N, D] by average linkage on cosines: a label from 0 for every row, in order of the
/// clusters' first rows. `windows` [N]: two rows of one window are two people as far as it is known, and count as
/// opposite (cosine -1). `weights` [N]: how many vectors a row stands for. Memory is N^2 floats. An interrupt leaves
/// clusters as they are.
std::vector<std::size_t> link_average(const Matrix& unit, std::span<const std::size_t> windows,
                                      std::span<const double> weights, const LinkLimits& limits,
                                      const Interrupt& interrupt);

/// The same in chunks of at most `chunk` rows that lie one after the other, whose centroids are then clustered in turn:
/// memory and time grow with N, not with its powers. One chunk is link_average().
std::vector<std::size_t> link_in_chunks(const Matrix& unit, std::span<const std::size_t> windows,
                                        std::span<const double> seconds, const LinkLimits& limits, std::size_t chunk,
                                        const Interrupt& interrupt);

/// Unit means [K, D] of the rows of each label, weighted.
Matrix centroids(const Matrix& unit, std::span<const double> weights, std::span<const std::size_t> labels);

/// Labels that are in use.
std::size_t count_labels(std::span<const std::size_t> labels);

/// Scales a vector to length 1, unless it is zero.
void normalise(std::span<float> vector);

}  // namespace timbre::conversation
