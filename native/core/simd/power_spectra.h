#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace timbre::simd {

/// Power spectra of many real signals of one length at once, which lie in columns, under a window.
class PowerSpectra {
 public:
  static constexpr std::size_t kMostPoints = 512;

  static bool takes(std::size_t points) { return points >= 8 && points <= kMostPoints && std::has_single_bit(points); }

  /// `window` has as many points as a signal: takes() of them.
  explicit PowerSpectra(std::vector<float> window);

  std::size_t points() const { return window_.size(); }
  std::size_t bins() const { return points() / 2 + 1; }

  /// From samples [point][step] to out [bin][step], of which the first `columns`, a multiple of 16, count.
  void compute(const float* samples, std::size_t step, std::size_t columns, float* out) const;

  /// What the transform multiplies by, for the code of each kind of processor.
  struct Tables {
    std::size_t points;
    const float* window;
    const float* cosines;        ///< of the first half of a turn
    const float* sines;          ///< clockwise
    const std::uint32_t* order;  ///< pairs of samples in bit-reversed order
  };

 private:
  std::vector<float> window_;
  std::vector<float> cosines_;
  std::vector<float> sines_;
  std::vector<std::uint32_t> order_;
};

/// Of a whole turn, so that pieces which overlap by half add up to ones.
std::vector<float> hann_window(std::size_t points);

}  // namespace timbre::simd
