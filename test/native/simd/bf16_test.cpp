#include "simd/bf16.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "simd/bf16_matrix.h"
#include "simd/moments.h"
#include "simd/passes.h"
#include "simd/sheet.h"

namespace timbre::simd {
namespace {

using namespace testing;

/// A matrix of bf16 whose rows lie further apart than they are wide, with as many rows behind it as a product may read.
class Rounded {
 public:
  Rounded(std::size_t count, std::size_t width)
      : values_((count + kBehind) * (width + kGap), kBetween), count_(count), width_(width) {}

  static Rounded of(const Sheet& sheet) {
    const ConstRows rows = sheet.rows();
    Rounded rounded(rows.count, rows.width);
    for (std::size_t r = 0; r < rows.count; ++r) {
      for (std::size_t c = 0; c < rows.width; ++c) rounded.rows().row(r)[c] = to_bf16(rows.row(r)[c]);
    }
    return rounded;
  }

  Bf16Rows rows() { return {values_.data(), count_, width_, width_ + kGap}; }
  ConstBf16Rows rows() const { return {values_.data(), count_, width_, width_ + kGap}; }
  float at(std::size_t r, std::size_t c) const { return to_float(rows().row(r)[c]); }

  /// Compares every value within its rounding, and what lies between the rows with what lay there.
  void expect(const std::function<double(std::size_t, std::size_t)>& value, double tolerance = 1e-5) const {
    for (std::size_t r = 0; r < count_; ++r) {
      for (std::size_t c = 0; c < width_; ++c) {
        const double wanted = value(r, c);
        ASSERT_NEAR(at(r, c), wanted, std::abs(wanted) / 256 + tolerance) << "row " << r << ", channel " << c;
      }
      for (std::size_t c = width_; c < width_ + kGap; ++c) ASSERT_EQ(rows().row(r)[c].bits, kBetween.bits);
    }
  }

 private:
  static constexpr std::size_t kGap = 3;
  static constexpr std::size_t kBehind = Bf16Matrix::kRowsTogether - 1;
  static constexpr Bf16 kBetween{0x7fc0};

  std::vector<Bf16> values_;
  std::size_t count_;
  std::size_t width_;
};

// ------------------------------------------------------------------------------------------- numbers

TEST(Bf16, IsTheNearestOfItsNumbers) {
  constexpr float kLargest = 0x1.fep127F;
  const std::vector<std::pair<float, float>> pairs = {
      {0, 0},
      {1, 1},
      {-1.5F, -1.5F},
      {1.00390625F, 1},  // halfway between 1 and its successor: the even one
      {1.01171875F, 1.015625F},
      {1.00391F, 1.0078125F},
      {0x1p-130F, 0x1p-130F},
      {kLargest, kLargest},
      {0x1.fffffep127F, kInfinity},
      {kInfinity, kInfinity},
      {-kInfinity, -kInfinity},
  };
  for (const auto& [from, to] : pairs) EXPECT_EQ(to_float(to_bf16(from)), to) << from;
  EXPECT_TRUE(std::isnan(to_float(to_bf16(kNaN))));
  EXPECT_TRUE(std::isnan(to_float(to_bf16(std::bit_cast<float>(0x7fffffffU)))));
}

TEST(CopyToBf16, RoundsAsTheNumbersDo) {
  for (const std::size_t width : kWidths) {
    Sheet from = Sheet::random(4, width);
    from.at(3, width - 1) = kNaN;
    from.at(2, 0) = kInfinity;
    Rounded to(4, width);
    copy(from.rows(), to.rows());
    for (std::size_t r = 0; r < 4; ++r) {
      for (std::size_t c = 0; c < width; ++c) {
        ASSERT_EQ(to.rows().row(r)[c].bits, to_bf16(from.at(r, c)).bits) << from.at(r, c);
      }
    }
    Rounded again(4, width);
    copy(std::as_const(to).rows(), again.rows());
    EXPECT_EQ(again.rows().row(1)[width - 1].bits, to.rows().row(1)[width - 1].bits);
  }
}

// ------------------------------------------------------------------------------------------- passes

TEST(ReluNormToBf16, IsThatOfSomeChannelsOfALayer) {
  const ReluNorm layer{random_vector(200), random_vector(200), random_vector(200)};
  for (const std::size_t width : kWidths) {
    const Sheet from = Sheet::random(9, width);
    Rounded to(9, width);
    relu_norm(from.rows(), layer, 60, to.rows());
    to.expect([&](std::size_t r, std::size_t c) {
      const double sum = static_cast<double>(from.at(r, c)) + layer.bias[60 + c];
      return std::max(sum, 0.0) * layer.scale[60 + c] + layer.shift[60 + c];
    });
  }
  Sheet none(1, 40);
  none.fill([](std::size_t, std::size_t) { return kNaN; });
  Rounded kept(1, 40);
  relu_norm(none.rows(), layer, 0, kept.rows());
  EXPECT_TRUE(std::isnan(kept.at(0, 0)));
  EXPECT_TRUE(std::isnan(kept.at(0, 39)));
}

TEST(AddScaledInBf16, MayWriteToEitherTerm) {
  for (const std::size_t width : kWidths) {
    const Rounded x = Rounded::of(Sheet::random(5, width));
    const Rounded y = Rounded::of(Sheet::random(5, width));
    const std::vector<float> gain = random_vector(width);
    for (const std::string to : {"x", "y", "another"}) {
      Rounded first = x;
      Rounded second = y;
      Rounded third(5, width);
      Rounded& result = to == "x" ? first : to == "y" ? second : third;
      add_scaled(std::as_const(first).rows(), std::as_const(second).rows(), gain, result.rows());
      result.expect(
          [&](std::size_t r, std::size_t c) { return x.at(r, c) + static_cast<double>(y.at(r, c)) * gain[c]; });
    }
  }
}

TEST(MomentsOfBf16, AreThoseOfTheSameNumbers) {
  for (const std::size_t width : kWidths) {
    const Rounded x = Rounded::of(Sheet::random(300, width));
    Sheet same(300, width);
    same.fill([&](std::size_t r, std::size_t c) { return x.at(r, c); });
    Moments rounded(width);
    Moments expected(width);
    rounded.add(x.rows());
    expected.add(std::as_const(same).rows());
    EXPECT_EQ(rounded.means(), expected.means());
    EXPECT_EQ(rounded.squares(), expected.squares());

    const Sheet scores = Sheet::random(300, width);
    const std::vector<float> centres = random_vector(width);
    SoftmaxMoments weighted(centres);
    SoftmaxMoments reference(centres);
    weighted.add(scores.rows(), x.rows());
    reference.add(scores.rows(), std::as_const(same).rows());
    for (std::size_t c = 0; c < width; ++c) {
      EXPECT_EQ(weighted.mean(c), reference.mean(c));
      EXPECT_EQ(weighted.variance(c), reference.variance(c));
    }
  }
}

// ------------------------------------------------------------------------------------------- frames in a line

class LineUpTest : public ::testing::TestWithParam<Window> {};

TEST_P(LineUpTest, HoldsTheFramesThatTapsRead) {
  const Window& window = GetParam();
  for (const std::size_t count : {1U, 2U, 5U, 9U, 40U}) {
    constexpr std::size_t kWidth = 7;
    const Sheet x = Sheet::random(count, kWidth);
    const Sheet y = Sheet::random(count, kWidth);
    const Rounded rounded_x = Rounded::of(x);
    const Rounded rounded_y = Rounded::of(y);
    const std::size_t outputs = (count + window.stride - 1) / window.stride;
    for (const bool sum : {false, true}) {
      for (std::size_t first = 0; first < outputs; first += 1 + outputs / 2) {
        SCOPED_TRACE(std::to_string(count) + " frames, from output " + std::to_string(first));
        const std::size_t rows = outputs - first;
        // The inputs side by side are the reference: im2col has a test of its own.
        Sheet side_by_side(rows, window.taps * kWidth);
        im2col(x.rows(), sum ? y.rows() : ConstRows{}, window, {0, count}, first, side_by_side.rows());
        const std::size_t lines = (rows - 1) * window.stride + (window.taps - 1) * window.dilation + 1;
        for (const bool already : {false, true}) {
          Rounded to(lines, 32);
          if (already) {
            line_up(rounded_x.rows(), sum ? rounded_y.rows() : ConstBf16Rows{}, window, {0, count}, first, to.rows());
          } else {
            line_up(x.rows(), sum ? y.rows() : ConstRows{}, window, {0, count}, first, to.rows());
          }
          for (std::size_t r = 0; r < rows; ++r) {
            for (std::size_t c = 0; c < window.taps * kWidth; ++c) {
              const std::size_t line = r * window.stride + c / kWidth * window.dilation;
              ASSERT_NEAR(to.at(line, c % kWidth), side_by_side.at(r, c), 0.06) << r << ", " << c;
            }
          }
          for (std::size_t line = 0; line < lines; ++line) {
            for (std::size_t c = kWidth; c < 32; ++c) ASSERT_EQ(to.at(line, c), 0);
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Windows, LineUpTest,
                         ::testing::Values(Window{1, 1, 1, true}, Window{5, 1, 1, true}, Window{5, 1, 1, false},
                                           Window{3, 4, 1, true}, Window{3, 3, 1, false}, Window{5, 1, 2, true},
                                           Window{4, 2, 2, true}));

TEST(LineUp, TakesFramesOfAPartOfAnUtterance) {
  const Sheet x = Sheet::random(60, 5);
  const Window window{3, 4, 1, true};
  Rounded whole(30 + 8, 32);
  Rounded part(30 + 8, 32);
  line_up(x.rows(), ConstRows{}, window, {0, 60}, 30, whole.rows());
  line_up(x.rows().part(26, 34), ConstRows{}, window, {26, 60}, 30, part.rows());
  for (std::size_t r = 0; r < 38; ++r) {
    for (std::size_t c = 0; c < 5; ++c) ASSERT_EQ(part.at(r, c), whole.at(r, c)) << r;
  }
}

// ------------------------------------------------------------------------------------------- products

std::string name_of(Bf16Unit unit) {
  return unit == Bf16Unit::amx ? "amx" : unit == Bf16Unit::avx512 ? "avx512" : "ordinary";
}

class Bf16MatrixTest : public ::testing::TestWithParam<Bf16Unit> {
 protected:
  void SetUp() override {
    const auto& units = bf16_units();
    if (std::ranges::find(units, GetParam()) == units.end()) {
      GTEST_SKIP() << "not on this processor: " << name_of(GetParam());
    }
  }
};

TEST_P(Bf16MatrixTest, IsTheProductOfRoundedNumbers) {
  struct Shape {
    std::size_t taps;
    std::size_t inputs;
    std::size_t outputs;
  };
  // No, one and several panels; depths of one pass and of several; widths that fill nothing.
  for (const Shape& shape :
       {Shape{1, 1, 1}, {1, 32, 16}, {1, 40, 33}, {3, 40, 40}, {5, 80, 70}, {1, 1056, 300}, {3, 200, 257}}) {
    const std::size_t taps = shape.taps;
    const std::size_t inputs = shape.inputs;
    const std::size_t outputs = shape.outputs;
    const Sheet weights = Sheet::random(outputs, taps * inputs, 1);
    const Bf16Matrix matrix(weights.rows(), taps, GetParam());
    ASSERT_EQ(matrix.padded_inputs() % 32, 0U);
    const ReluNorm layer{random_vector(outputs), random_vector(outputs), random_vector(outputs)};
    Bf16Matrix::Scratch scratch;
    // Down again: what is left in the scratch is nobody's.
    for (const std::size_t rows : {1U, 15U, 16U, 17U, 33U, 70U, 5U}) {
      SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(taps) + " x " + std::to_string(inputs) + " x " +
                   std::to_string(outputs));
      constexpr std::size_t kDilation = 2;
      Rounded x(rows + (taps - 1) * kDilation, matrix.padded_inputs());
      const Sheet values = Sheet::random(x.rows().count, inputs, 1);
      line_up(values.rows(), ConstRows{}, {}, {0, x.rows().count}, 0, x.rows());
      const auto expected = [&](std::size_t r, std::size_t c) {
        double sum = 0;
        for (std::size_t i = 0; i < taps * inputs; ++i) {
          sum +=
              static_cast<double>(x.at(r + i / inputs * kDilation, i % inputs)) * to_float(to_bf16(weights.at(c, i)));
        }
        return sum;
      };
      const std::size_t tap_step = kDilation * x.rows().step;
      const ConstBf16Rows read = std::as_const(x).rows().part(0, rows);
      const double tolerance = 1e-5 * static_cast<double>(taps * inputs);
      Sheet full(rows, outputs);
      matrix.multiply(read, tap_step, full.rows(), scratch);
      full.expect(expected, tolerance);
      Rounded finished(rows, outputs);
      matrix.multiply(read, tap_step, layer, finished.rows(), scratch);
      finished.expect(
          [&](std::size_t r, std::size_t c) {
            return std::max(expected(r, c) + layer.bias[c], 0.0) * layer.scale[c] + layer.shift[c];
          },
          3 * tolerance);
    }
  }
}

TEST_P(Bf16MatrixTest, KeepsWhatIsNoNumberToItsRow) {
  const Sheet weights = Sheet::random(50, 64);
  const Bf16Matrix matrix(weights.rows(), 1, GetParam());
  Sheet values = Sheet::random(40, 64);
  values.at(11, 3) = kNaN;
  Bf16Matrix::Scratch scratch;
  Sheet found(40, 50);
  matrix.multiply(Rounded::of(values).rows(), 0, found.rows(), scratch);
  for (std::size_t r = 0; r < 40; ++r) {
    for (std::size_t c = 0; c < 50; ++c) ASSERT_EQ(std::isnan(found.at(r, c)), r == 11) << r;
  }
}

INSTANTIATE_TEST_SUITE_P(Units, Bf16MatrixTest, ::testing::Values(Bf16Unit::amx, Bf16Unit::avx512, Bf16Unit::ordinary),
                         [](const auto& test) { return name_of(test.param); });

TEST(Bf16Units, EndWithTheOneThatEveryProcessorHas) { EXPECT_EQ(bf16_units().back(), Bf16Unit::ordinary); }

}  // namespace
}  // namespace timbre::simd
