#pragma once

#include <cstddef>

namespace timbre {

/// out[r][m] = bias[m] + sum over k of in[r][k] * weights[k][m], for rows that may lie apart or overlap in memory.
///
/// `in_step` and `out_step` are the distances between rows; `m` must be a multiple of 64; `bias` may be null. Runs on
/// the widest vectors that this processor has, in single precision.
void multiply(const float* in, std::size_t rows, std::size_t in_step, std::size_t k, const float* weights,
              std::size_t m, const float* bias, float* out, std::size_t out_step);

}  // namespace timbre
