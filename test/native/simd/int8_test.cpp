#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "simd/int8_matrix.h"
#include "simd/int8_rows.h"
#include "simd/int8_unit.h"
#include "simd/sheet.h"

namespace timbre::simd {
namespace {

using namespace testing;

// ------------------------------------------------------------------------------------------- rows of bytes

/// Bytes of some rows, which lie further apart than they are wide.
struct Bytes {
  Bytes(std::size_t count, std::size_t wide) : values(count * (wide + 3), 77), rows(count), width(wide) {}

  ByteRows view() { return {values.data(), rows, width, width + 3}; }
  std::uint8_t at(std::size_t r, std::size_t c) const { return values[r * (width + 3) + c]; }

  std::vector<std::uint8_t> values;
  std::size_t rows;
  std::size_t width;
};

TEST(Quantise, TakesEveryRowToAScaleOfItsOwn) {
  for (const std::size_t width : kWidths) {
    for (const std::int32_t highest : {127, 255}) {
      Sheet x = Sheet::random(20, width);
      x.fill(
          [&](std::size_t r, std::size_t c) { return std::as_const(x).at(r, c) * std::pow(10.0F, float(r % 7) - 3); });
      Bytes bytes(20, width + 5);
      std::vector<ByteScale> scales(20);
      quantise(std::as_const(x).rows(), highest, bytes.view(), scales.data());
      for (std::size_t r = 0; r < 20; ++r) {
        const float* row = x.rows().row(r);
        const float low = std::min(0.0F, *std::min_element(row, row + width));
        const float high = std::max(0.0F, *std::max_element(row, row + width));
        EXPECT_FLOAT_EQ(scales[r].step, (high - low) / static_cast<float>(highest));
        for (std::size_t c = 0; c < width; ++c) {
          EXPECT_LE(bytes.at(r, c), highest);
          // Half a step, and another where the zero was rounded.
          ASSERT_NEAR((bytes.at(r, c) - scales[r].zero) * scales[r].step, x.at(r, c), 1.001 * scales[r].step);
        }
        for (std::size_t c = width; c < width + 5; ++c) ASSERT_EQ(bytes.at(r, c), 0);
        for (std::size_t c = width + 5; c < width + 8; ++c) ASSERT_EQ(bytes.values[r * (width + 8) + c], 77);
      }
    }
  }
}

TEST(Quantise, KeepsZeroAsZero) {
  Sheet x = Sheet::random(3, 40);
  x.at(0, 20) = 0;
  for (std::size_t c = 0; c < 40; ++c) x.at(1, c) = 0;
  Bytes bytes(3, 40);
  std::vector<ByteScale> scales(3);
  quantise(std::as_const(x).rows(), 255, bytes.view(), scales.data());
  EXPECT_EQ(bytes.at(0, 20), scales[0].zero);
  for (std::size_t c = 0; c < 40; ++c) EXPECT_EQ(bytes.at(1, c), scales[1].zero);
  EXPECT_GT(scales[1].step, 0);
}

TEST(Quantise, TakesTheEvenOfTwoAsNear) {
  const std::vector<float> inputs = {-10, 245, 0, 0.4F, 0.5F, 1.5F, 2.5F, -0.5F};
  const std::vector<int> expected = {0, 255, 10, 10, 10, 12, 12, 10};
  Sheet x(1, inputs.size());
  x.fill([&](std::size_t, std::size_t c) { return inputs[c]; });
  Bytes bytes(1, inputs.size());
  ByteScale scale;
  quantise(std::as_const(x).rows(), 255, bytes.view(), &scale);
  EXPECT_EQ(scale.step, 1);
  EXPECT_EQ(scale.zero, 10);
  EXPECT_EQ(std::vector<int>(bytes.values.begin(), bytes.values.begin() + 8), expected);
}

TEST(Quantise, TellsOfARowThatIsNotFinite) {
  for (const std::size_t width : kWidths) {
    for (const float fault : {kNaN, -kNaN, kInfinity, -kInfinity}) {
      for (const std::size_t at : {std::size_t{0}, width / 2, width - 1}) {
        Sheet x = Sheet::random(3, width);
        x.at(1, at) = fault;
        Bytes bytes(3, width);
        std::vector<ByteScale> scales(3);
        quantise(std::as_const(x).rows(), 255, bytes.view(), scales.data());
        EXPECT_TRUE(std::isnan(scales[1].step)) << fault << " at " << at << " of " << width;
        EXPECT_TRUE(std::isfinite(scales[0].step) && std::isfinite(scales[2].step));
      }
    }
  }
}

TEST(Quantise, OfBf16IsThatOfTheSameNumbers) {
  for (const std::size_t width : kWidths) {
    const Sheet x = Sheet::random(6, width);
    std::vector<Bf16> rounded;
    Sheet same(6, width);
    same.fill([&](std::size_t r, std::size_t c) {
      rounded.push_back(to_bf16(x.at(r, c)));
      return to_float(rounded.back());
    });
    Bytes found(6, width);
    Bytes expected(6, width);
    std::vector<ByteScale> found_scales(6);
    std::vector<ByteScale> expected_scales(6);
    quantise(ConstBf16Rows{rounded.data(), 6, width, width}, 255, found.view(), found_scales.data());
    quantise(std::as_const(same).rows(), 255, expected.view(), expected_scales.data());
    EXPECT_EQ(found.values, expected.values);
    for (std::size_t r = 0; r < 6; ++r) {
      EXPECT_EQ(found_scales[r].step, expected_scales[r].step);
      EXPECT_EQ(found_scales[r].zero, expected_scales[r].zero);
    }
  }
}

// ------------------------------------------------------------------------------------------- products

std::string name_of(Int8Unit unit) {
  switch (unit) {
    case Int8Unit::amx:
      return "amx";
    case Int8Unit::avx512:
      return "avx512";
    case Int8Unit::avx2:
      return "avx2";
    case Int8Unit::ordinary:
      break;
  }
  return "ordinary";
}

/// Weights of every size, the extremes among them.
std::vector<std::int8_t> weights_of(std::size_t outputs, std::size_t inputs) {
  std::vector<std::int8_t> weights(outputs * inputs);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    weights[i] = static_cast<std::int8_t>(static_cast<int>(i * 7919 % 255) - 127);
  }
  return weights;
}

Int8Matrix matrix_of(const std::vector<std::int8_t>& weights, const std::vector<float>& steps, Int8Unit unit) {
  const std::size_t inputs = weights.size() / steps.size();
  return {{weights.data(), steps.size(), inputs, inputs}, steps, unit};
}

std::vector<float> steps_of(std::size_t outputs) {
  std::vector<float> steps(outputs);
  for (std::size_t c = 0; c < outputs; ++c) steps[c] = 0.001F * static_cast<float>(1 + c % 9);
  return steps;
}

class Int8MatrixTest : public ::testing::TestWithParam<Int8Unit> {
 protected:
  void SetUp() override {
    const auto& units = int8_units();
    if (std::ranges::find(units, GetParam()) == units.end()) {
      GTEST_SKIP() << "not on this processor: " << name_of(GetParam());
    }
  }
};

TEST_P(Int8MatrixTest, IsTheProductOfRoundedNumbers) {
  struct Shape {
    std::size_t inputs;
    std::size_t outputs;
  };
  // No, one and several panels; depths of one pass and of several; widths that fill nothing.
  for (const auto& [inputs, outputs] :
       {Shape{1, 1}, {64, 16}, {40, 33}, {130, 70}, {1024, 300}, {1100, 300}, {2200, 257}}) {
    const std::vector<std::int8_t> weights = weights_of(outputs, inputs);
    const std::vector<float> steps = steps_of(outputs);
    const Int8Matrix matrix = matrix_of(weights, steps, GetParam());
    EXPECT_EQ(matrix.inputs(), inputs);
    EXPECT_EQ(matrix.outputs(), outputs);
    const ReluNorm layer{random_vector(outputs), random_vector(outputs), random_vector(outputs)};
    Int8Matrix::Scratch scratch;
    // Down again: what is left in the scratch is nobody's.
    for (const std::size_t rows : {1U, 15U, 16U, 17U, 33U, 70U, 5U}) {
      SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(inputs) + " x " + std::to_string(outputs));
      const Sheet x = Sheet::random(rows, inputs);
      Bytes bytes(rows, inputs);
      std::vector<ByteScale> scales(rows);
      quantise(x.rows(), largest_input(GetParam()), bytes.view(), scales.data());
      const auto expected = [&](std::size_t r, std::size_t c) {
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < inputs; ++i) {
          sum += std::int64_t{bytes.at(r, i) - scales[r].zero} * weights[c * inputs + i];
        }
        return static_cast<double>(sum) * scales[r].step * steps[c];
      };
      const double tolerance = 1e-6 * static_cast<double>(inputs);
      Sheet product(rows, outputs);
      matrix.multiply(x.rows(), product.rows(), scratch);
      product.expect(expected, tolerance);
      Sheet finished(rows, outputs);
      matrix.multiply(x.rows(), layer, finished.rows(), scratch);
      finished.expect(
          [&](std::size_t r, std::size_t c) {
            return std::max(expected(r, c) + layer.bias[c], 0.0) * layer.scale[c] + layer.shift[c];
          },
          4 * tolerance + 1e-5);
    }
  }
}

TEST_P(Int8MatrixTest, IsExactWhereSumsAreLargest) {
  // As many of the largest inputs and weights as there may be, to either side.
  constexpr std::size_t kInputs = Int8Matrix::kMostInputs;
  std::vector<std::int8_t> weights(2 * kInputs, 127);
  std::fill(weights.begin() + kInputs, weights.end(), std::int8_t{-127});
  const Int8Matrix matrix = matrix_of(weights, {1, 1}, GetParam());
  Sheet x(1, kInputs);
  Int8Matrix::Scratch scratch;
  for (const float value : {5.0F, -5.0F, 1e-6F, 1e6F}) {
    x.fill([&](std::size_t, std::size_t) { return value; });
    Sheet found(1, 2);
    matrix.multiply(std::as_const(x).rows(), found.rows(), scratch);
    const double exact = 127.0 * kInputs * static_cast<double>(value);
    EXPECT_NEAR(found.at(0, 0), exact, 1e-5 * std::abs(exact)) << value;
    EXPECT_NEAR(found.at(0, 1), -exact, 1e-5 * std::abs(exact)) << value;
  }
}

TEST_P(Int8MatrixTest, OfARowIsTheSameBitForBitAmongAnyOthers) {
  const std::vector<std::int8_t> weights = weights_of(70, 1100);
  const Int8Matrix matrix = matrix_of(weights, steps_of(70), GetParam());
  const ReluNorm layer{random_vector(70), random_vector(70), random_vector(70)};
  const Sheet x = Sheet::random(90, 1100);
  Int8Matrix::Scratch scratch;
  Sheet all(90, 70);
  matrix.multiply(x.rows(), layer, all.rows(), scratch);
  for (const std::size_t first : {0U, 1U, 31U, 40U}) {
    for (const std::size_t rows : {1U, 16U, 17U, 50U}) {
      Sheet some(rows, 70);
      matrix.multiply(x.rows().part(first, rows), layer, some.rows(), scratch);
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t c = 0; c < 70; ++c) ASSERT_EQ(some.at(r, c), all.at(first + r, c)) << first << ", " << r;
      }
    }
  }
}

TEST_P(Int8MatrixTest, MayWriteWhereItReads) {
  const std::vector<std::int8_t> weights = weights_of(70, 70);
  const Int8Matrix matrix = matrix_of(weights, steps_of(70), GetParam());
  const ReluNorm layer{random_vector(70), random_vector(70), random_vector(70)};
  Sheet x = Sheet::random(50, 70);
  Int8Matrix::Scratch scratch;
  Sheet apart(50, 70);
  matrix.multiply(std::as_const(x).rows(), layer, apart.rows(), scratch);
  matrix.multiply(std::as_const(x).rows(), layer, x.rows(), scratch);
  x.expect([&](std::size_t r, std::size_t c) { return apart.at(r, c); }, 0);
}

TEST_P(Int8MatrixTest, OfBf16IsThatOfTheSameNumbersRounded) {
  const std::vector<std::int8_t> weights = weights_of(50, 70);
  const Int8Matrix matrix = matrix_of(weights, steps_of(50), GetParam());
  const ReluNorm layer{random_vector(50), random_vector(50), random_vector(50)};
  std::vector<Bf16> rounded;
  Sheet same(40, 70);
  same.fill([&](std::size_t r, std::size_t c) {
    rounded.push_back(to_bf16(static_cast<float>(std::sin(static_cast<double>(r * 70 + c)))));
    return to_float(rounded.back());
  });
  const ConstBf16Rows x{rounded.data(), 40, 70, 70};
  Int8Matrix::Scratch scratch;
  Sheet product(40, 50);
  Sheet expected(40, 50);
  matrix.multiply(x, product.rows(), scratch);
  matrix.multiply(std::as_const(same).rows(), expected.rows(), scratch);
  product.expect([&](std::size_t r, std::size_t c) { return expected.at(r, c); }, 0);
  std::vector<Bf16> finished(40 * 50);
  matrix.multiply(x, layer, Bf16Rows{finished.data(), 40, 50, 50}, scratch);
  matrix.multiply(std::as_const(same).rows(), layer, expected.rows(), scratch);
  for (std::size_t i = 0; i < finished.size(); ++i) {
    ASSERT_EQ(finished[i].bits, to_bf16(expected.at(i / 50, i % 50)).bits) << i;
  }
}

TEST_P(Int8MatrixTest, KeepsWhatIsNoNumberToItsRow) {
  const std::vector<std::int8_t> weights = weights_of(50, 64);
  const Int8Matrix matrix = matrix_of(weights, steps_of(50), GetParam());
  const ReluNorm layer{random_vector(50), random_vector(50), random_vector(50)};
  for (const float fault : {kNaN, kInfinity, -kInfinity}) {
    Sheet x = Sheet::random(40, 64);
    x.at(11, 3) = fault;
    Int8Matrix::Scratch scratch;
    for (const bool finish : {false, true}) {
      Sheet found(40, 50);
      if (finish) {
        matrix.multiply(std::as_const(x).rows(), layer, found.rows(), scratch);
      } else {
        matrix.multiply(std::as_const(x).rows(), found.rows(), scratch);
      }
      for (std::size_t r = 0; r < 40; ++r) {
        for (std::size_t c = 0; c < 50; ++c) ASSERT_EQ(std::isnan(found.at(r, c)), r == 11) << fault << ", " << r;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Units, Int8MatrixTest,
                         ::testing::Values(Int8Unit::amx, Int8Unit::avx512, Int8Unit::avx2, Int8Unit::ordinary),
                         [](const auto& test) { return name_of(test.param); });

TEST(Int8Units, EndWithTheOneThatEveryProcessorHas) { EXPECT_EQ(int8_units().back(), Int8Unit::ordinary); }

}  // namespace
}  // namespace timbre::simd
