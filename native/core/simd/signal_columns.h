#pragma once

#include <cstddef>
#include <span>

/// Pieces of a signal side by side: a point in a row, a piece in a column, so that a vector does the same to all of
/// them.
namespace timbre::simd {

/// Columns of a block, whose rows follow each other without a gap.
inline constexpr std::size_t kSignalColumns = 16;

/// to[point][column] = scale * signal[column * shift + point] for `count` columns, and zeros in those beyond.
void lay_in_columns(const float* signal, std::size_t shift, std::size_t count, float scale, std::size_t points,
                    float* to);

/// Subtracts every column's mean.
void centre_columns(float* columns, std::size_t points);

/// x[point] -= by * x[point - 1] in every column; of the first point itself.
void emphasise_columns(float* columns, std::size_t points, float by);

/// to[column] = sum over i of weights[i] * rows[i][column].
void add_rows(std::span<const float> weights, const float* rows, float* to);

}  // namespace timbre::simd
