#include "simd/signal_columns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "simd/sheet.h"

namespace timbre::simd {
namespace {

using namespace testing;

constexpr std::size_t kColumns = kSignalColumns;

TEST(LayInColumns, PutsEveryPieceInAColumn) {
  constexpr std::size_t kShift = 7;
  const AlignedFloats signal = random_floats(200);
  for (const std::size_t points : {1U, 4U, 23U, 80U}) {
    for (const std::size_t count : {0U, 1U, 4U, 6U, 15U, 16U}) {
      // No sample beyond the last piece may be read.
      const std::vector<float> exact(
          signal.begin(), signal.begin() + static_cast<std::ptrdiff_t>(count == 0 ? 0 : (count - 1) * kShift + points));
      std::vector<float> to(points * kColumns, kNaN);
      lay_in_columns(exact.data(), kShift, count, 0.5F, points, to.data());
      for (std::size_t p = 0; p < points; ++p) {
        for (std::size_t c = 0; c < kColumns; ++c) {
          ASSERT_EQ(to[p * kColumns + c], c < count ? 0.5F * signal[c * kShift + p] : 0) << p << ", " << c;
        }
      }
    }
  }
}

TEST(CentreColumns, LeavesEveryColumnWithoutAMean) {
  AlignedFloats columns = random_floats(50 * kColumns);
  const AlignedFloats before = columns;
  centre_columns(columns.data(), 50);
  for (std::size_t c = 0; c < kColumns; ++c) {
    double mean = 0;
    for (std::size_t p = 0; p < 50; ++p) mean += before[p * kColumns + c] / 50.0;
    for (std::size_t p = 0; p < 50; ++p) {
      ASSERT_NEAR(columns[p * kColumns + c], before[p * kColumns + c] - mean, 1e-6);
    }
  }
}

TEST(EmphasiseColumns, SubtractsAPartOfThePointBefore) {
  AlignedFloats columns = random_floats(50 * kColumns);
  const AlignedFloats before = columns;
  emphasise_columns(columns.data(), 50, 0.97F);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::size_t at = i < kColumns ? i : i - kColumns;
    ASSERT_NEAR(columns[i], before[i] - 0.97 * before[at], 1e-6) << i;
  }
}

TEST(AddRows, WeighsEveryRow) {
  const AlignedFloats rows = random_floats(9 * kColumns);
  const std::vector<float> weights = random_vector(9);
  for (const std::size_t count : {0U, 1U, 9U}) {
    std::vector<float> to(kColumns, kNaN);
    add_rows(std::span(weights).first(count), rows.data(), to.data());
    for (std::size_t c = 0; c < kColumns; ++c) {
      double sum = 0;
      for (std::size_t i = 0; i < count; ++i) sum += static_cast<double>(weights[i]) * rows[i * kColumns + c];
      ASSERT_NEAR(to[c], sum, 1e-5);
    }
  }
}

}  // namespace
}  // namespace timbre::simd
