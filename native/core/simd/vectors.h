#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace timbre::simd {

/// The inner product of two vectors of one length, in single precision.
float dot(std::span<const float> a, std::span<const float> b);

/// Inner products of a query with `rows` vectors of length `dim` that lie one after the other, in single precision.
void dot_rows(const float* query, const float* vectors, std::size_t rows, std::size_t dim, float* products);

/// The same of whole numbers, exactly, where 127 `dim` times the largest of the query is below 2^31.
void dot_rows(const std::int16_t* query, const std::int8_t* vectors, std::size_t rows, std::size_t dim,
              std::int32_t* products);

/// x = sqrt(x).
void square_root(std::span<float> x);

/// x = scale * ln(max(x, floor)), `floor` above zero; 10 / ln 10 gives decibels of powers. Of what is not finite comes
/// no number.
void floored_log(std::span<float> x, float floor, float scale);

/// to = x * y, all of one length.
void multiply(std::span<const float> x, std::span<const float> y, std::span<float> to);

/// powers[k] = re^2 + im^2 of complex numbers that lie one after the other, real part first.
void square_magnitudes(std::span<const float> complex, std::span<float> powers);

}  // namespace timbre::simd
