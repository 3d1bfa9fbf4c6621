#include "simd/planes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "simd/sheet.h"

namespace timbre::simd {
namespace {

using namespace testing;

constexpr float kElse = 77;

/// Rows that frames are dealt to, with one value before and behind that is zero and one beyond that nobody may touch.
struct Dealt {
  explicit Dealt(std::size_t columns) : step(columns + 4), values(kPhases * step, kElse) {
    for (std::size_t p = 0; p < kPhases; ++p) {
      row(p)[-1] = 0;
      row(p)[columns] = 0;
    }
  }
  Dealt(std::size_t columns, const AlignedFloats& frames) : Dealt(columns) {
    for (std::size_t t = 0; t < kPhases * columns; ++t) row(t % kPhases)[t / kPhases] = frames[t];
  }

  float* row(std::size_t phase) { return values.data() + phase * step + 2; }
  float frame(std::size_t t) { return row(t % kPhases)[t / kPhases]; }
  PhaseRows rows() { return {row(0), row(1), row(2), row(3)}; }
  ConstPhaseRows read() { return {row(0), row(1), row(2), row(3)}; }

  std::size_t step;
  AlignedFloats values;
};

TEST(Points, GiveAConvolutionOfThreeFrames) {
  const float taps[] = {0.7F, -1.3F, 0.4F};
  const auto factors = as_points(taps[0], taps[1], taps[2]);
  for (const std::size_t columns : {1U, 2U, 7U, 8U, 15U, 16U, 17U, 37U, 75U}) {
    for (const bool with_other : {false, true}) {
      const std::size_t frames = kPhases * columns;
      const AlignedFloats x = random_floats(frames);
      const AlignedFloats other = random_floats(frames);
      Dealt dealt(columns, x);
      Dealt added(columns, other);
      const std::size_t point_step = columns + 3;
      AlignedFloats points(kPoints * point_step, kElse);
      to_points(dealt.read(), columns, points.data(), point_step);
      for (std::size_t p = 0; p < kPoints; ++p) {
        for (std::size_t j = 0; j < columns; ++j) points[p * point_step + j] *= factors[p];
        for (std::size_t j = columns; j < point_step; ++j) ASSERT_EQ(points[p * point_step + j], kElse);
      }
      Dealt result(columns);
      from_points(points.data(), point_step, columns, 0.25F, with_other ? added.read() : ConstPhaseRows{},
                  result.rows());
      for (std::size_t t = 0; t < frames; ++t) {
        const double before = t > 0 ? x[t - 1] : 0;
        const double behind = t + 1 < frames ? x[t + 1] : 0;
        const double sum = before * taps[0] + x[t] * static_cast<double>(taps[1]) + behind * taps[2] + 0.25 +
                           (with_other ? other[t] : 0);
        ASSERT_NEAR(result.frame(t), std::max(sum, 0.0), 1e-5) << columns << ", frame " << t;
      }
      for (std::size_t p = 0; p < kPhases; ++p) {
        EXPECT_EQ(result.row(p)[-2], kElse);
        EXPECT_EQ(result.row(p)[columns], 0);
        EXPECT_EQ(result.row(p)[columns + 1], kElse);
      }
    }
  }
}

TEST(NormReluRows, ScalesShiftsAndCutsEveryRow) {
  constexpr std::size_t kRows = 3;
  constexpr std::size_t kColumns = 48;
  constexpr std::size_t kStep = 53;
  const AlignedFloats x = random_floats(kRows * kStep, 3);
  const AlignedFloats scales = random_floats(kRows);
  const AlignedFloats shifts = random_floats(kRows);
  AlignedFloats to(kRows * kStep, kElse);
  norm_relu_rows(x.data(), kStep, kRows, kColumns, scales.data(), shifts.data(), to.data(), kStep);
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t c = 0; c < kColumns; ++c) {
      EXPECT_NEAR(to[r * kStep + c], std::max(x[r * kStep + c] * scales[r] + shifts[r], 0.0F), 1e-6);
    }
    for (std::size_t c = kColumns; c < kStep; ++c) EXPECT_EQ(to[r * kStep + c], kElse);
  }
}

TEST(Sums, AreThoseOfEveryLength) {
  for (const std::size_t count : {0U, 1U, 3U, 8U, 31U, 33U, 64U, 100U, 201U}) {
    AlignedFloats x = random_floats(count + 1, 3);
    double total = 0;
    double squares = 0;
    for (std::size_t i = 0; i < count; ++i) {
      total += x[i];
      squares += (x[i] - 0.5) * (x[i] - 0.5);
    }
    EXPECT_NEAR(sum(x.data(), count), total, 1e-4) << count;
    EXPECT_NEAR(sum_of_squares(x.data(), count, 0.5F), squares, 1e-3) << count;
    const AlignedFloats before = x;
    scale(x.data(), count, 1.5F);
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(x[i], before[i] * 1.5F);
    EXPECT_EQ(x[count], before[count]);
  }
}

}  // namespace
}  // namespace timbre::simd
