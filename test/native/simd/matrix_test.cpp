#include "simd/matrix.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "simd/sheet.h"

namespace timbre::simd {
namespace {

using namespace testing;

TEST(MatrixProduct, OfEveryShapeIsThatOfTheDefinition) {
  for (const std::size_t rows : {2U, 4U, 6U, 8U, 10U, 16U}) {
    for (const std::size_t columns : {16U, 32U, 48U, 64U, 112U}) {
      for (const std::size_t depth : {1U, 37U}) {
        const std::size_t left_step = rows + 3;
        const std::size_t right_step = columns + 5;
        const std::size_t out_step = columns + 1;
        const AlignedFloats left = random_floats(depth * left_step);
        const AlignedFloats right = random_floats(depth * right_step);
        const AlignedFloats bias = random_floats(rows);
        for (const bool relu : {false, true}) {
          for (const float* const start : {static_cast<const float*>(nullptr), bias.data()}) {
            AlignedFloats out(rows * out_step, 7);
            multiply({.left = left.data(),
                      .left_step = left_step,
                      .right = right.data(),
                      .right_step = right_step,
                      .depth = depth,
                      .rows = rows,
                      .columns = columns,
                      .out = out.data(),
                      .out_step = out_step,
                      .bias = start,
                      .relu = relu});
            for (std::size_t r = 0; r < rows; ++r) {
              for (std::size_t c = 0; c < columns; ++c) {
                double sum = start ? start[r] : 0;
                for (std::size_t i = 0; i < depth; ++i) {
                  sum += static_cast<double>(left[i * left_step + r]) * right[i * right_step + c];
                }
                ASSERT_NEAR(out[r * out_step + c], relu ? std::max(sum, 0.0) : sum, 1e-5)
                    << rows << " x " << columns << ", " << r << ", " << c;
              }
              ASSERT_EQ(out[r * out_step + columns], 7) << "what lies beside the result";
            }
          }
        }
      }
    }
  }
}

TEST(MatrixProduct, OfAGreatDepthIsAsGood) {
  constexpr std::size_t kRows = 12;
  constexpr std::size_t kColumns = 80;
  for (const std::size_t depth : {127U, 128U, 129U, 700U}) {
    const AlignedFloats left = random_floats(depth * kRows);
    const AlignedFloats right = random_floats(depth * kColumns);
    const AlignedFloats bias = random_floats(kRows);
    for (const bool relu : {false, true}) {
      for (const bool onto : {false, true}) {
        const AlignedFloats before = random_floats(kRows * kColumns, 3);
        AlignedFloats out = before;
        multiply({.left = left.data(),
                  .left_step = kRows,
                  .right = right.data(),
                  .right_step = kColumns,
                  .depth = depth,
                  .rows = kRows,
                  .columns = kColumns,
                  .out = out.data(),
                  .out_step = kColumns,
                  .bias = bias.data(),
                  .onto = onto,
                  .relu = relu});
        for (std::size_t r = 0; r < kRows; ++r) {
          for (std::size_t c = 0; c < kColumns; ++c) {
            double sum = onto ? before[r * kColumns + c] : bias[r];
            for (std::size_t i = 0; i < depth; ++i) {
              sum += static_cast<double>(left[i * kRows + r]) * right[i * kColumns + c];
            }
            ASSERT_NEAR(out[r * kColumns + c], relu ? std::max(sum, 0.0) : sum, 1e-4)
                << depth << (onto ? ", onto, " : ", ") << r << ", " << c;
          }
        }
      }
    }
  }
}

TEST(TransposeFourRows, PutsThemSideBySide) {
  constexpr std::size_t kColumns = 12;
  constexpr std::size_t kInStep = 13;
  constexpr std::size_t kOutStep = 5;
  AlignedFloats in(4 * kInStep);
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(i);
  AlignedFloats out(kColumns * kOutStep, -1);
  transpose_four_rows(in.data(), kInStep, kColumns, out.data(), kOutStep);
  for (std::size_t c = 0; c < kColumns; ++c) {
    for (std::size_t r = 0; r < 4; ++r) EXPECT_EQ(out[c * kOutStep + r], in[r * kInStep + c]);
    EXPECT_EQ(out[c * kOutStep + 4], -1);
  }
}

}  // namespace
}  // namespace timbre::simd
