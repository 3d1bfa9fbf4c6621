#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace timbre {

enum class Edge { zero, reflect };

/// Overlapping frames around every `shift`-th sample, the edges of the recording extended by half a transform.
///
/// The framing of torch.stft(center=True): the window lies in the middle of `points` samples, zeros around it.
class CentredFrames {
 public:
  /// A periodic Hamming window, 0.54 - 0.46 cos(2 pi n / length).
  CentredFrames(std::size_t window_length, std::size_t points, std::size_t shift, Edge edge);

  std::size_t count(std::size_t samples) const { return 1 + samples / shift_; }

  /// Fewest samples that give `frames` frames; reflection needs more samples than it mirrors.
  std::size_t samples_for(std::size_t frames) const;

  /// The windowed frame number `index`: frame[points].
  void extract(std::span<const float> samples, std::size_t index, std::span<float> frame) const;

 private:
  std::size_t points_;
  std::size_t shift_;
  Edge edge_;
  std::size_t offset_;  ///< of the window in the transform
  std::vector<float> window_;
};

}  // namespace timbre
