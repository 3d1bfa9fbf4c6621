#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <vector>

namespace timbre {

/// Allocates whole cache lines, so that no vector lies across two.
template <typename T>
struct LineAllocator {
  using value_type = T;
  static constexpr std::align_val_t kLine{64};

  LineAllocator() = default;
  template <typename U>
  explicit LineAllocator(const LineAllocator<U>&) {}

  T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), kLine)); }
  void deallocate(T* values, std::size_t) { ::operator delete(values, kLine); }
  bool operator==(const LineAllocator&) const = default;
};

using Floats = std::vector<float, LineAllocator<float>>;

/// out[r][c] = sum over i < depth of left[i][r] * right[i][c], all in rows as far apart as their steps say.
struct MatrixProduct {
  const float* left;
  std::size_t left_step;
  const float* right;
  std::size_t right_step;
  std::size_t depth;
  std::size_t rows;     ///< a multiple of 2
  std::size_t columns;  ///< a multiple of 16
  float* out;
  std::size_t out_step;
  const float* bias = nullptr;  ///< of each row of the result
  bool rectified = false;       ///< negative results become 0
};

/// Many real signals of one length at once, in columns: their power spectra under a Hann window.
struct PowerSpectra {
  static constexpr std::size_t kMostPoints = 512;

  /// `points` is a power of 2 from 8 to kMostPoints.
  explicit PowerSpectra(std::size_t points);

  std::size_t bins() const { return window.size() / 2 + 1; }

  std::vector<float> window;
  std::vector<float> cosines;        ///< of the first half of a turn
  std::vector<float> sines;          ///< clockwise
  std::vector<std::uint32_t> order;  ///< pairs of samples in bit-reversed order
};

/// The units of an LSTM layer here.
constexpr std::size_t kHidden = 128;

/// The inner loops of speech detection, for one kind of processor. Single precision throughout.
struct Kernels {
  const char* name;

  void (*multiply)(const MatrixProduct& product);

  /// From samples [point][step] to out [bin][step], of which the first `columns`, a multiple of 16, count.
  void (*powers)(const PowerSpectra& spectra, const float* samples, std::size_t step, std::size_t columns, float* out);

  /// One step of an LSTM. `recurrent` is [gate][from unit][to unit] and `gates` [gate][unit], what the input says to
  /// them with the biases: input, forget, cell, output.
  void (*remember)(const float* recurrent, const float* gates, float* hidden, float* cell);
};

/// out[c][r] = in[r][c] of 4 rows; `columns` is a multiple of 4.
void transpose_four(const float* in, std::size_t in_step, std::size_t columns, float* out, std::size_t out_step);

/// Those that this processor can run, the fastest first.
std::span<const Kernels> usable_kernels();

inline const Kernels& best_kernels() { return usable_kernels().front(); }

}  // namespace timbre
