#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace timbre {

/// Makes one channel of several: the one that is wanted, or the mean of all.
///
/// Channels in opposite phase cancel each other in their mean: a microphone wired the wrong way round, or one that
/// stands behind what the other stands before. Whether they do is known at the end only.
class Mixer {
 public:
  /// `channel`: the one that is wanted, which must exist; none: the mean.
  Mixer(std::size_t channels, std::optional<int> channel);

  /// In place, at the front of `interleaved`.
  std::span<const float> mix(std::span<float> interleaved);

  /// The strongest channel, where the mean of all has lost most of what is in them.
  std::optional<int> strongest_of_cancelled() const;

  /// Whether all channels hold the same, so that there is nothing to choose from.
  bool alike() const;

 private:
  const std::size_t channels_;
  const std::optional<int> channel_;
  std::vector<double> energy_;  ///< of each channel
  double sum_energy_ = 0;       ///< of their sum
};

}  // namespace timbre
