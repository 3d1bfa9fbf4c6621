#include "scoring/dot.h"

#include <array>

// One compilation for each level of the processor, chosen when the program is loaded. Sanitizers start after that.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define TIMBRE_PER_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define TIMBRE_PER_PROCESSOR
#endif

namespace timbre {

namespace {

/// Sums that are kept apart: enough of them to fill the widest registers several times, so that additions overlap.
constexpr std::size_t kLanes = 32;

}  // namespace

TIMBRE_PER_PROCESSOR
void dot_rows(const float* query, const float* vectors, std::size_t rows, std::size_t dim, float* products) {
  const std::size_t whole = dim - dim % kLanes;
  for (std::size_t row = 0; row < rows; ++row) {
    const float* vector = vectors + row * dim;
    std::array<float, kLanes> sums{};
    for (std::size_t i = 0; i < whole; i += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += query[i + lane] * vector[i + lane];
    }
    float sum = 0;
    for (std::size_t i = whole; i < dim; ++i) sum += query[i] * vector[i];
    for (std::size_t width = kLanes / 2; width > 0; width /= 2) {
      for (std::size_t lane = 0; lane < width; ++lane) sums[lane] += sums[lane + width];
    }
    products[row] = sum + sums[0];
  }
}

}  // namespace timbre
