#include "speech/kernels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "support/exponential.h"

namespace timbre {

namespace {

// Vectors as wide as the registers, or GCC goes through memory; loads need no alignment. A tile of a product takes as
// many registers as leave room for its operands.
struct Narrow {
  typedef float Vector __attribute__((vector_size(16), aligned(4), may_alias));
  static constexpr std::size_t kTileRows = 4;
  static constexpr std::size_t kTileVectors = 2;
};
struct Wide {
  typedef float Vector __attribute__((vector_size(32), aligned(4), may_alias));
  static constexpr std::size_t kTileRows = 4;
  static constexpr std::size_t kTileVectors = 3;
};
struct Widest {
  typedef float Vector __attribute__((vector_size(64), aligned(4), may_alias));
  static constexpr std::size_t kTileRows = 8;
  static constexpr std::size_t kTileVectors = 3;
};

// What a function for certain processors calls has to be part of it.
#define TIMBRE_INLINE inline __attribute__((always_inline))

template <typename Registers>
constexpr std::size_t kLanes = sizeof(typename Registers::Vector) / sizeof(float);

template <typename Registers>
TIMBRE_INLINE typename Registers::Vector& vector_at(float* values) {
  return *reinterpret_cast<typename Registers::Vector*>(values);
}

template <typename Registers>
TIMBRE_INLINE const typename Registers::Vector& vector_at(const float* values) {
  return *reinterpret_cast<const typename Registers::Vector*>(values);
}

/// `Rows` rows and `Vectors` vectors of a product, held in registers.
template <typename Registers, std::size_t Rows, std::size_t Vectors>
TIMBRE_INLINE void tile(const MatrixProduct& product, std::size_t row, std::size_t column) {
  typedef typename Registers::Vector Vector;
  const float* left = product.left + row;
  const float* right = product.right + column;
  Vector sum[Rows][Vectors];
#pragma GCC unroll 8
  for (std::size_t r = 0; r < Rows; ++r) {
    const float start = product.bias ? product.bias[row + r] : 0.0F;
#pragma GCC unroll 8
    for (std::size_t v = 0; v < Vectors; ++v) sum[r][v] = Vector{} + start;
  }
  for (std::size_t i = 0; i < product.depth; ++i, left += product.left_step, right += product.right_step) {
    Vector operand[Vectors];
#pragma GCC unroll 8
    for (std::size_t v = 0; v < Vectors; ++v) operand[v] = vector_at<Registers>(right + v * kLanes<Registers>);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < Rows; ++r) {
#pragma GCC unroll 8
      for (std::size_t v = 0; v < Vectors; ++v) sum[r][v] += left[r] * operand[v];
    }
  }
#pragma GCC unroll 8
  for (std::size_t r = 0; r < Rows; ++r) {
    float* out = product.out + (row + r) * product.out_step + column;
#pragma GCC unroll 8
    for (std::size_t v = 0; v < Vectors; ++v, out += kLanes<Registers>) {
      if (product.rectified) sum[r][v] = sum[r][v] > 0 ? sum[r][v] : Vector{};
      vector_at<Registers>(out) = sum[r][v];
    }
  }
}

template <typename Registers, std::size_t Rows>
TIMBRE_INLINE void rows_of_tiles(const MatrixProduct& product, std::size_t row) {
  constexpr std::size_t kWidth = Registers::kTileVectors * kLanes<Registers>;
  std::size_t column = 0;
  for (; column + kWidth <= product.columns; column += kWidth) {
    tile<Registers, Rows, Registers::kTileVectors>(product, row, column);
  }
  for (; column < product.columns; column += kLanes<Registers>) tile<Registers, Rows, 1>(product, row, column);
}

template <typename Registers>
TIMBRE_INLINE void multiply(const MatrixProduct& product) {
  std::size_t row = 0;
  for (; row + Registers::kTileRows <= product.rows; row += Registers::kTileRows) {
    rows_of_tiles<Registers, Registers::kTileRows>(product, row);
  }
  for (; row < product.rows; row += 2) rows_of_tiles<Registers, 2>(product, row);
}

/// Pairs of samples as complex numbers go through a transform of half the length, whose result falls into the
/// transforms of the even and of the odd samples.
template <typename Registers>
TIMBRE_INLINE void powers(const PowerSpectra& spectra, const float* samples, std::size_t step, std::size_t columns,
                          float* out) {
  typedef typename Registers::Vector Vector;
  const std::size_t points = spectra.window.size();
  const std::size_t half = points / 2;
  const float* cosines = spectra.cosines.data();
  const float* sines = spectra.sines.data();
  alignas(64) Vector re[PowerSpectra::kMostPoints / 2];
  alignas(64) Vector im[PowerSpectra::kMostPoints / 2];
  for (std::size_t column = 0; column < columns; column += kLanes<Registers>) {
    for (std::size_t n = 0; n < half; ++n) {
      const std::size_t from = 2 * spectra.order[n];
      const float* pair = samples + from * step + column;
      re[n] = spectra.window[from] * vector_at<Registers>(pair);
      im[n] = spectra.window[from + 1] * vector_at<Registers>(pair + step);
    }
    for (std::size_t length = 1; length < half; length *= 2) {
      for (std::size_t first = 0; first < half; first += 2 * length) {
        for (std::size_t k = 0; k < length; ++k) {
          const std::size_t a = first + k;
          const std::size_t b = a + length;
          const float cosine = cosines[k * (half / length)];
          const float sine = sines[k * (half / length)];
          const Vector turned_re = re[b] * cosine - im[b] * sine;
          const Vector turned_im = re[b] * sine + im[b] * cosine;
          re[b] = re[a] - turned_re;
          im[b] = im[a] - turned_im;
          re[a] += turned_re;
          im[a] += turned_im;
        }
      }
    }
    for (std::size_t k = 0; k <= half / 2; ++k) {
      const std::size_t a = k;
      const std::size_t b = k == 0 ? 0 : half - k;
      const Vector even_re = (re[a] + re[b]) * 0.5F;
      const Vector even_im = (im[a] - im[b]) * 0.5F;
      const Vector odd_re = (im[a] + im[b]) * 0.5F;
      const Vector odd_im = (re[b] - re[a]) * 0.5F;
      const Vector turned_re = odd_re * cosines[k] - odd_im * sines[k];
      const Vector turned_im = odd_re * sines[k] + odd_im * cosines[k];
      const Vector sum_re = even_re + turned_re;
      const Vector sum_im = even_im + turned_im;
      const Vector difference_re = even_re - turned_re;
      const Vector difference_im = even_im - turned_im;
      vector_at<Registers>(out + k * step + column) = sum_re * sum_re + sum_im * sum_im;
      vector_at<Registers>(out + (half - k) * step + column) =
          difference_re * difference_re + difference_im * difference_im;
    }
  }
}

/// exp(), as at 40 and -40 for what is beyond, so that products of two are numbers.
TIMBRE_INLINE float bounded_exp(float x) { return exponential(std::min(std::max(x, -40.0F), 40.0F)); }

/// sigmoid(gate) * tanh(x), in one division.
TIMBRE_INLINE float gated_tanh(float gate, float x) {
  const float e = bounded_exp(-2 * x);
  return (1 - e) / ((1 + bounded_exp(-gate)) * (1 + e));
}

template <typename Registers>
TIMBRE_INLINE void remember(const float* recurrent, const float* gates, float* hidden, float* cell) {
  typedef typename Registers::Vector Vector;
  constexpr std::size_t kVectors = 8;
  constexpr std::size_t kAtOnce = kVectors * kLanes<Registers>;
  alignas(64) float sums[4 * kHidden];
  for (std::size_t gate = 0; gate < 4; ++gate) {
    for (std::size_t unit = 0; unit < kHidden; unit += kAtOnce) {
      const std::size_t first = gate * kHidden + unit;
      const float* weights = recurrent + gate * kHidden * kHidden + unit;
      Vector sum[kVectors];
#pragma GCC unroll 8
      for (std::size_t v = 0; v < kVectors; ++v) sum[v] = vector_at<Registers>(gates + first + v * kLanes<Registers>);
      for (std::size_t i = 0; i < kHidden; ++i, weights += kHidden) {
        const float from = hidden[i];
#pragma GCC unroll 8
        for (std::size_t v = 0; v < kVectors; ++v) {
          sum[v] += from * vector_at<Registers>(weights + v * kLanes<Registers>);
        }
      }
#pragma GCC unroll 8
      for (std::size_t v = 0; v < kVectors; ++v) vector_at<Registers>(sums + first + v * kLanes<Registers>) = sum[v];
    }
  }
  const float* input = sums;
  const float* forget = input + kHidden;
  const float* candidate = forget + kHidden;
  const float* output = candidate + kHidden;
  for (std::size_t i = 0; i < kHidden; ++i) {
    cell[i] = cell[i] / (1 + bounded_exp(-forget[i])) + gated_tanh(input[i], candidate[i]);
    hidden[i] = gated_tanh(output[i], cell[i]);
  }
}

// Attributes and names cannot stand in parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define TIMBRE_KERNELS(kind, Registers, attributes)                                                         \
  attributes void multiply_##kind(const MatrixProduct& product) { multiply<Registers>(product); }           \
  attributes void powers_##kind(const PowerSpectra& spectra, const float* samples, std::size_t step,        \
                                std::size_t columns, float* out) {                                          \
    powers<Registers>(spectra, samples, step, columns, out);                                                \
  }                                                                                                         \
  attributes void remember_##kind(const float* recurrent, const float* gates, float* hidden, float* cell) { \
    remember<Registers>(recurrent, gates, hidden, cell);                                                    \
  }                                                                                                         \
  constexpr Kernels kind{#kind, multiply_##kind, powers_##kind, remember_##kind};
// NOLINTEND(bugprone-macro-parentheses)

TIMBRE_KERNELS(plain, Narrow, )
#if defined(__x86_64__)
TIMBRE_KERNELS(avx2, Wide, __attribute__((target("avx2,fma"))))
TIMBRE_KERNELS(avx512, Widest, __attribute__((target("avx512f"))))

constexpr std::array kKernels{avx512, avx2, plain};

/// How many of the first ones this processor lacks.
std::size_t unusable() {
  if (__builtin_cpu_supports("avx512f")) return 0;
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? 1 : 2;
}
#else
constexpr std::array kKernels{plain};

std::size_t unusable() { return 0; }
#endif

}  // namespace

PowerSpectra::PowerSpectra(std::size_t points) : window(points), cosines(points / 2), sines(points / 2) {
  const auto turn = [points](std::size_t i) {
    return 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(points);
  };
  for (std::size_t i = 0; i < points; ++i) window[i] = static_cast<float>(0.5 - 0.5 * std::cos(turn(i)));
  for (std::size_t i = 0; i < points / 2; ++i) {
    cosines[i] = static_cast<float>(std::cos(turn(i)));
    sines[i] = static_cast<float>(-std::sin(turn(i)));
  }
  order = {0};
  for (std::size_t length = points / 2; order.size() < points / 2;) {
    length /= 2;
    const std::size_t known = order.size();
    for (std::size_t i = 0; i < known; ++i) order.push_back(order[i] + static_cast<std::uint32_t>(length));
  }
}

void transpose_four(const float* in, std::size_t in_step, std::size_t columns, float* out, std::size_t out_step) {
  typedef Narrow::Vector Vector;
  for (std::size_t c = 0; c < columns; c += 4, in += 4, out += 4 * out_step) {
    const Vector a = vector_at<Narrow>(in);
    const Vector b = vector_at<Narrow>(in + in_step);
    const Vector x = vector_at<Narrow>(in + 2 * in_step);
    const Vector y = vector_at<Narrow>(in + 3 * in_step);
    const Vector low_ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    const Vector high_ab = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const Vector low_xy = __builtin_shufflevector(x, y, 0, 4, 1, 5);
    const Vector high_xy = __builtin_shufflevector(x, y, 2, 6, 3, 7);
    vector_at<Narrow>(out) = __builtin_shufflevector(low_ab, low_xy, 0, 1, 4, 5);
    vector_at<Narrow>(out + out_step) = __builtin_shufflevector(low_ab, low_xy, 2, 3, 6, 7);
    vector_at<Narrow>(out + 2 * out_step) = __builtin_shufflevector(high_ab, high_xy, 0, 1, 4, 5);
    vector_at<Narrow>(out + 3 * out_step) = __builtin_shufflevector(high_ab, high_xy, 2, 3, 6, 7);
  }
}

std::span<const Kernels> usable_kernels() {
  static const std::size_t first = unusable();
  return std::span(kKernels).subspan(first);
}

}  // namespace timbre
