#include "speech/matrix_product.h"

namespace timbre {

namespace {

// Vectors as wide as the registers, or GCC goes through memory; loads need no alignment. In structs, because template
// arguments lose their attributes.
struct Narrow {
  typedef float Vector __attribute__((vector_size(16), aligned(4), may_alias));
};
struct Wide {
  typedef float Vector __attribute__((vector_size(32), aligned(4), may_alias));
};
struct Widest {
  typedef float Vector __attribute__((vector_size(64), aligned(4), may_alias));
};

#define TIMBRE_INLINE inline __attribute__((always_inline))

/// `Rows` rows and `Lanes` vectors of the result, held in registers.
template <typename Registers, int Rows, int Lanes>
TIMBRE_INLINE void tile(const float* in, std::size_t in_step, std::size_t k, const float* weights, std::size_t m,
                        const float* bias, float* out, std::size_t out_step) {
  typedef typename Registers::Vector Vector;
  constexpr std::size_t kLane = sizeof(Vector) / sizeof(float);
  Vector sum[Rows][Lanes];
#pragma GCC unroll 8
  for (std::size_t r = 0; r < Rows; ++r) {
#pragma GCC unroll 8
    for (std::size_t l = 0; l < Lanes; ++l) {
      sum[r][l] = bias ? *reinterpret_cast<const Vector*>(bias + l * kLane) : Vector{};
    }
  }
  for (std::size_t i = 0; i < k; ++i) {
    Vector weight[Lanes];
#pragma GCC unroll 8
    for (std::size_t l = 0; l < Lanes; ++l) {
      weight[l] = *reinterpret_cast<const Vector*>(weights + i * m + l * kLane);
    }
#pragma GCC unroll 8
    for (std::size_t r = 0; r < Rows; ++r) {
      const float x = in[r * in_step + i];
#pragma GCC unroll 8
      for (std::size_t l = 0; l < Lanes; ++l) sum[r][l] += x * weight[l];
    }
  }
#pragma GCC unroll 8
  for (std::size_t r = 0; r < Rows; ++r) {
#pragma GCC unroll 8
    for (std::size_t l = 0; l < Lanes; ++l) *reinterpret_cast<Vector*>(out + r * out_step + l * kLane) = sum[r][l];
  }
}

template <typename Registers>
TIMBRE_INLINE void product(const float* in, std::size_t rows, std::size_t in_step, std::size_t k, const float* weights,
                           std::size_t m, const float* bias, float* out, std::size_t out_step) {
  typedef typename Registers::Vector Vector;
  constexpr std::size_t kLane = sizeof(Vector) / sizeof(float);
  constexpr int kRows = 4;
  constexpr int kLanes = 2;
  constexpr int kLanesOfOneRow = kLane < 16 ? 8 : 4;
  std::size_t row = 0;
  for (; row + kRows <= rows; row += kRows) {
    for (std::size_t at = 0; at < m; at += kLanes * kLane) {
      tile<Registers, kRows, kLanes>(in + row * in_step, in_step, k, weights + at, m, bias ? bias + at : nullptr,
                                     out + row * out_step + at, out_step);
    }
  }
  for (; row < rows; ++row) {
    for (std::size_t at = 0; at < m; at += kLanesOfOneRow * kLane) {
      tile<Registers, 1, kLanesOfOneRow>(in + row * in_step, in_step, k, weights + at, m, bias ? bias + at : nullptr,
                                         out + row * out_step + at, out_step);
    }
  }
}

using Product = decltype(&multiply);

void product_anywhere(const float* in, std::size_t rows, std::size_t in_step, std::size_t k, const float* weights,
                      std::size_t m, const float* bias, float* out, std::size_t out_step) {
  product<Narrow>(in, rows, in_step, k, weights, m, bias, out, out_step);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) void product_avx2(const float* in, std::size_t rows, std::size_t in_step,
                                                      std::size_t k, const float* weights, std::size_t m,
                                                      const float* bias, float* out, std::size_t out_step) {
  product<Wide>(in, rows, in_step, k, weights, m, bias, out, out_step);
}

__attribute__((target("avx512f,prefer-vector-width=512"))) void product_avx512(const float* in, std::size_t rows,
                                                                               std::size_t in_step, std::size_t k,
                                                                               const float* weights, std::size_t m,
                                                                               const float* bias, float* out,
                                                                               std::size_t out_step) {
  product<Widest>(in, rows, in_step, k, weights, m, bias, out, out_step);
}
#endif

Product best() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return product_avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return product_avx2;
#endif
  return product_anywhere;
}

}  // namespace

void multiply(const float* in, std::size_t rows, std::size_t in_step, std::size_t k, const float* weights,
              std::size_t m, const float* bias, float* out, std::size_t out_step) {
  static const Product chosen = best();
  chosen(in, rows, in_step, k, weights, m, bias, out, out_step);
}

}  // namespace timbre
