#pragma once

#include <array>
#include <cstddef>

/// Passes over channels that lie over time, and convolutions of three frames by few products (Lavin and Gray, "Fast
/// algorithms for convolutional neural networks", 2016: F(4, 3)). Four frames lie in four rows, each kPhases frames
/// apart, so that a vector is the same frame of as many fours.
namespace timbre::simd {

/// Rows that the frames of a channel are dealt to: frame 4 j + p is value j of row p.
constexpr std::size_t kPhases = 4;
/// Products that give four frames of a convolution of three.
constexpr std::size_t kPoints = 6;

using PhaseRows = std::array<float*, kPhases>;
using ConstPhaseRows = std::array<const float*, kPhases>;

/// The weights of a convolution's three frames as factors of its products.
std::array<float, kPoints> as_points(float before, float at, float after);

/// The inputs of `columns` products of each point, which lie `point_step` apart; reads one value before and one behind
/// of rows 3 and 0.
void to_points(const ConstPhaseRows& x, std::size_t columns, float* to, std::size_t point_step);

/// Sums of products to frames: to = relu(frames + shift + other), without `other` where its rows are null.
void from_points(const float* points, std::size_t point_step, std::size_t columns, float shift,
                 const ConstPhaseRows& other, const PhaseRows& to);

/// to[r][c] = relu(x[r][c] * scale[r] + shift[r]); `columns` is a multiple of 16.
void norm_relu_rows(const float* x, std::size_t x_step, std::size_t rows, std::size_t columns, const float* scale,
                    const float* shift, float* to, std::size_t to_step);

/// x[i] = x[i] * factor.
void scale(float* x, std::size_t count, float factor);

/// The sum of x[i], and of (x[i] - middle)^2.
float sum(const float* x, std::size_t count);
float sum_of_squares(const float* x, std::size_t count, float middle);

}  // namespace timbre::simd
