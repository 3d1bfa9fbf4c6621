#include "simd/rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace timbre {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::array<std::size_t, 4> kWidths = {1, 7, 33, 128};  // mostly no multiple of a vector

/// A matrix whose rows lie further apart than they are wide.
class Sheet {
 public:
  Sheet(std::size_t count, std::size_t width)
      : values_(count * (width + kGap), kBetween), count_(count), width_(width) {}

  static Sheet random(std::size_t count, std::size_t width, float reach = 3) {
    static std::mt19937 generator(7);
    std::uniform_real_distribution<float> value(-reach, reach);
    Sheet sheet(count, width);
    sheet.fill([&](std::size_t, std::size_t) { return value(generator); });
    return sheet;
  }

  void fill(const std::function<float(std::size_t, std::size_t)>& value) {
    for (std::size_t r = 0; r < count_; ++r) {
      for (std::size_t c = 0; c < width_; ++c) {
        at(r, c) = value(r, c);
      }
    }
  }

  Rows rows() { return {values_.data(), count_, width_, width_ + kGap}; }
  ConstRows rows() const { return {values_.data(), count_, width_, width_ + kGap}; }
  float& at(std::size_t r, std::size_t c) { return values_[r * (width_ + kGap) + c]; }
  float at(std::size_t r, std::size_t c) const { return values_[r * (width_ + kGap) + c]; }

  /// Compares every value, and what lies between the rows with what lay there.
  void expect(const std::function<double(std::size_t, std::size_t)>& value, double tolerance) const {
    for (std::size_t r = 0; r < count_; ++r) {
      for (std::size_t c = 0; c < width_; ++c) {
        ASSERT_NEAR(at(r, c), value(r, c), tolerance) << "row " << r << ", channel " << c << " of " << width_;
      }
      for (std::size_t c = width_; c < width_ + kGap; ++c) {
        ASSERT_EQ(at(r, c), kBetween) << "beyond row " << r << " of " << width_;
      }
    }
  }

 private:
  static constexpr std::size_t kGap = 5;
  static constexpr float kBetween = 1e6F;

  std::vector<float> values_;
  std::size_t count_;
  std::size_t width_;
};

std::vector<float> random_vector(std::size_t size) {
  const Sheet sheet = Sheet::random(1, size);
  return {sheet.rows().data, sheet.rows().data + size};
}

/// The parts of a matrix, of sizes around those that are taken together.
void in_parts(std::size_t count, const std::function<void(std::size_t first, std::size_t rows)>& work) {
  constexpr std::array<std::size_t, 6> kParts = {1, 127, 129, 2, 700, 128};
  for (std::size_t first = 0, i = 0; first < count; ++i) {
    const std::size_t rows = std::min(kParts[i % kParts.size()], count - first);
    work(first, rows);
    first += rows;
  }
}

// ------------------------------------------------------------------------------------------- value by value

TEST(Rows, ActivateIsBiasReluAndNorm) {
  for (const std::size_t width : kWidths) {
    const Sheet from = Sheet::random(9, width);
    Sheet to(9, width);
    const Activation activation{random_vector(width), random_vector(width), random_vector(width)};
    activate(from.rows(), activation, to.rows());
    to.expect(
        [&](std::size_t r, std::size_t c) {
          const double sum = static_cast<double>(from.at(r, c)) + activation.bias[c];
          return std::max(sum, 0.0) * activation.scale[c] + activation.shift[c];
        },
        1e-5);
  }
}

TEST(Rows, ActivateKeepsWhatIsNoNumber) {
  Sheet sheet(1, 40);
  Sheet to(1, 40);
  sheet.fill([](std::size_t, std::size_t c) { return c == 3 || c == 39 ? kNaN : -1; });
  const std::vector<float> ones(40, 1);
  activate(sheet.rows(), {ones, ones, ones}, to.rows());
  for (std::size_t c = 0; c < 40; ++c) {
    EXPECT_EQ(std::isnan(to.at(0, c)), c == 3 || c == 39) << c;
  }
}

TEST(Rows, AddBiasAddsAValueToEveryChannel) {
  for (const std::size_t width : kWidths) {
    const Sheet from = Sheet::random(6, width);
    Sheet to(6, width);
    const std::vector<float> bias = random_vector(width);
    add_bias(from.rows(), bias, to.rows());
    to.expect([&](std::size_t r, std::size_t c) { return from.at(r, c) + bias[c]; }, 0);
  }
}

TEST(Rows, CopyTakesAPartAndSomeColumns) {
  const Sheet from = Sheet::random(10, 33);
  Sheet to(4, 7);
  copy(from.rows().part(5, 4).columns(20, 7), to.rows());
  to.expect([&](std::size_t r, std::size_t c) { return from.at(r + 5, c + 20); }, 0);
}

TEST(Rows, AddScaledMayWriteToEitherTerm) {
  for (const std::size_t width : kWidths) {
    const Sheet x = Sheet::random(5, width);
    const Sheet y = Sheet::random(5, width);
    const std::vector<float> gain = random_vector(width);
    for (const std::string to : {"x", "y", "another"}) {
      Sheet first = x;
      Sheet second = y;
      Sheet third(5, width);
      Sheet& result = to == "x" ? first : to == "y" ? second : third;
      add_scaled(first.rows(), second.rows(), gain, result.rows());
      result.expect(
          [&](std::size_t r, std::size_t c) { return x.at(r, c) + static_cast<double>(y.at(r, c)) * gain[c]; }, 1e-5);
    }
  }
}

TEST(Rows, SquashIsTanh) {
  for (const std::size_t width : kWidths) {
    Sheet x = Sheet::random(50, width, 12);
    const Sheet before = x;
    squash(x.rows());
    x.expect([&](std::size_t r, std::size_t c) { return std::tanh(static_cast<double>(before.at(r, c))); }, 2e-7);
  }
}

TEST(Rows, SquashHoldsAtTheEdges) {
  // Near zero the error is what float has near one: small beside the other values of a sum, not beside its own.
  const std::vector<float> inputs = {0.0F,  -0.0F,  1e-38F, -1e-38F, 1e-8F,     1e-4F,      -1e-4F, 9.0F,
                                     30.0F, -30.0F, 87.5F,  -1e30F,  kInfinity, -kInfinity, 0.5F};
  Sheet x(1, inputs.size());
  x.fill([&](std::size_t, std::size_t c) { return inputs[c]; });
  squash(x.rows());
  x.expect([&](std::size_t, std::size_t c) { return std::tanh(static_cast<double>(inputs[c])); }, 1.5e-7);
  EXPECT_EQ(x.at(0, 0), 0);
  EXPECT_EQ(x.at(0, 1), 0);
  EXPECT_EQ(x.at(0, 8), 1);
  EXPECT_EQ(x.at(0, 9), -1);
  Sheet none(1, 1);
  none.at(0, 0) = kNaN;
  squash(none.rows());
  EXPECT_TRUE(std::isnan(none.at(0, 0)));
}

// ------------------------------------------------------------------------------------------- frames of a convolution

/// The frame that Neighbours of models/timbre_models/ecapa.py names; -1: none.
std::ptrdiff_t neighbour(const Window& window, std::size_t frame, std::size_t tap, std::ptrdiff_t count) {
  std::ptrdiff_t at = static_cast<std::ptrdiff_t>(frame * window.stride) +
                      (static_cast<std::ptrdiff_t>(tap) - static_cast<std::ptrdiff_t>(window.taps / 2)) *
                          static_cast<std::ptrdiff_t>(window.dilation);
  const std::ptrdiff_t last = count - 1;
  if (!window.reflect) {
    return at >= 0 && at <= last ? at : -1;
  }
  at = std::abs(at);
  at = at > last ? 2 * last - at : at;
  return std::clamp<std::ptrdiff_t>(at, 0, last);
}

class GatherTest : public ::testing::TestWithParam<Window> {};

TEST_P(GatherTest, TakesTheFramesOfTheModule) {
  const Window& window = GetParam();
  for (const std::size_t count : {1U, 2U, 3U, 5U, 9U, 40U}) {
    for (const std::size_t width : {1U, 7U, 33U}) {
      SCOPED_TRACE(std::to_string(count) + " frames of " + std::to_string(width));
      const Sheet x = Sheet::random(count, width);
      const Sheet y = Sheet::random(count, width);
      const std::size_t outputs = (count + window.stride - 1) / window.stride;
      for (const bool sum : {false, true}) {
        for (std::size_t first = 0; first < outputs; first += 1 + outputs / 2) {
          Sheet to(outputs - first, window.taps * width);
          gather(x.rows(), sum ? y.rows() : ConstRows{}, window, first, to.rows());
          to.expect(
              [&](std::size_t r, std::size_t c) {
                const std::ptrdiff_t at = neighbour(window, first + r, c / width, static_cast<std::ptrdiff_t>(count));
                const auto frame = static_cast<std::size_t>(at);
                return at < 0 ? 0 : x.at(frame, c % width) + (sum ? y.at(frame, c % width) : 0);
              },
              0);
        }
      }
    }
  }
}

std::string name_of(const Window& window) {
  const auto& [taps, dilation, stride, reflect] = window;
  return std::to_string(taps) + "_taps_" + std::to_string(dilation) + "_apart_every_" + std::to_string(stride) +
         (reflect ? "_reflected" : "_zeros");
}

INSTANTIATE_TEST_SUITE_P(Windows, GatherTest,
                         ::testing::Values(Window{1, 1, 1, true}, Window{5, 1, 1, true}, Window{5, 1, 1, false},
                                           Window{3, 2, 1, true}, Window{3, 4, 1, true}, Window{3, 3, 1, false},
                                           Window{5, 1, 2, true}, Window{5, 1, 3, false}, Window{4, 2, 2, true}),
                         [](const auto& test) { return name_of(test.param); });

// ------------------------------------------------------------------------------------------- moments

struct Sums {
  double mean = 0;
  double squares = 0;  ///< of deviations
};

Sums sums_of(const Sheet& sheet, std::size_t count, std::size_t c) {
  Sums sums;
  for (std::size_t r = 0; r < count; ++r) {
    sums.mean += sheet.at(r, c) / static_cast<double>(count);
  }
  for (std::size_t r = 0; r < count; ++r) {
    sums.squares += std::pow(sheet.at(r, c) - sums.mean, 2);
  }
  return sums;
}

class MomentsTest : public ::testing::TestWithParam<std::size_t> {};

TEST_P(MomentsTest, AreThoseOfAllRowsHoweverTheyAreGiven) {
  const std::size_t count = GetParam();
  for (const std::size_t width : kWidths) {
    const Sheet sheet = Sheet::random(count, width);
    Moments moments(width);
    in_parts(count, [&](std::size_t first, std::size_t rows) { moments.add(sheet.rows().part(first, rows)); });
    EXPECT_EQ(moments.count(), count);
    const std::vector<float> means = moments.means();
    const std::vector<double> squares = moments.squares();
    for (std::size_t c = 0; c < width; ++c) {
      const auto [mean, expected] = sums_of(sheet, count, c);
      EXPECT_NEAR(means[c], mean, 5e-6) << c;
      EXPECT_NEAR(squares[c], expected, 1e-5 * expected) << c;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, MomentsTest, ::testing::Values(1, 2, 128, 129, 5000));

TEST(Moments, LoseNothingToALargeMean) {
  constexpr std::size_t kCount = 5000;
  Sheet sheet = Sheet::random(kCount, 33, 0.02F);
  sheet.fill([&](std::size_t r, std::size_t c) { return 1e4F + sheet.at(r, c); });
  Moments moments(33);
  in_parts(kCount, [&](std::size_t first, std::size_t rows) { moments.add(sheet.rows().part(first, rows)); });
  const std::vector<float> means = moments.means();
  const std::vector<double> squares = moments.squares();
  for (std::size_t c = 0; c < 33; ++c) {
    const auto [mean, expected] = sums_of(sheet, kCount, c);
    EXPECT_FLOAT_EQ(means[c], static_cast<float>(mean)) << c;
    EXPECT_NEAR(squares[c], expected, 1e-4 * expected) << c;
  }
}

TEST(Moments, AreAsExactForAnHourAsForASecond) {
  constexpr std::size_t kHour = 360'000;
  const Sheet sheet = Sheet::random(kHour, 2);
  Moments moments(2);
  moments.add(sheet.rows());
  const std::vector<double> squares = moments.squares();
  for (std::size_t c = 0; c < 2; ++c) {
    const double expected = sums_of(sheet, kHour, c).squares;
    EXPECT_NEAR(squares[c], expected, 1e-7 * expected) << c;
  }
}

TEST(Moments, OfAChannelThatNeverChangesAreExact) {
  Sheet sheet(300, 7);
  sheet.fill([](std::size_t, std::size_t c) { return 0.1F * static_cast<float>(c) - 0.3F; });
  Moments moments(7);
  moments.add(sheet.rows());
  for (std::size_t c = 0; c < 7; ++c) {
    EXPECT_EQ(moments.means()[c], sheet.at(0, c));
    EXPECT_EQ(moments.squares()[c], 0);
  }
}

// ------------------------------------------------------------------------------------------- weighted moments

/// How scores run over the rows; each ought to make another part of the sums count.
struct Scores {
  std::string name;
  float (*of)(std::size_t row, float noise);
};

class WeightedMomentsTest : public ::testing::TestWithParam<Scores> {
 protected:
  void expect_softmax(std::size_t count, std::size_t width) {
    SCOPED_TRACE(std::to_string(count) + " rows of " + std::to_string(width));
    Sheet scores = Sheet::random(count, width);
    scores.fill([&](std::size_t r, std::size_t c) { return GetParam().of(r, scores.at(r, c)); });
    const Sheet values = Sheet::random(count, width);
    std::vector<float> centres;
    for (std::size_t c = 0; c < width; ++c) {
      centres.push_back(static_cast<float>(sums_of(values, count, c).mean));
    }
    Sheet copied = scores;
    WeightedMoments moments(centres);
    in_parts(count, [&](std::size_t first, std::size_t rows) {
      moments.add(copied.rows().part(first, rows), values.rows().part(first, rows));
    });
    for (std::size_t c = 0; c < width; ++c) {
      double highest = -kInfinity;
      for (std::size_t r = 0; r < count; ++r) {
        highest = std::max<double>(highest, scores.at(r, c));
      }
      double weight = 0;
      double sum = 0;
      for (std::size_t r = 0; r < count; ++r) {
        const double share = std::exp(scores.at(r, c) - highest);
        weight += share;
        sum += share * values.at(r, c);
      }
      const double mean = sum / weight;
      double variance = 0;
      for (std::size_t r = 0; r < count; ++r) {
        variance += std::exp(scores.at(r, c) - highest) / weight * std::pow(values.at(r, c) - mean, 2);
      }
      ASSERT_NEAR(moments.mean(c), mean, 3e-6) << c;
      ASSERT_NEAR(moments.variance(c), variance, 1e-5) << c;
    }
  }
};

TEST_P(WeightedMomentsTest, AreThoseOfOneSoftmaxOverAllRows) {
  for (const std::size_t width : kWidths) {
    expect_softmax(5000, width);
  }
  for (const std::size_t count : {1U, 2U, 127U, 128U, 129U, 300U}) {
    expect_softmax(count, 33);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Scores, WeightedMomentsTest,
    ::testing::Values(Scores{"alike", [](std::size_t, float noise) { return noise; }},
                      Scores{"far_apart", [](std::size_t, float noise) { return 40 * noise; }},
                      Scores{"rising",
                             [](std::size_t r, float noise) { return 0.05F * static_cast<float>(r) + noise; }},
                      Scores{"falling", [](std::size_t r, float noise) { return -static_cast<float>(r) + noise; }},
                      Scores{"highest_late", [](std::size_t r, float noise) { return r == 4321 ? 200.0F : noise; }},
                      Scores{"very_negative", [](std::size_t, float noise) { return noise - 1e4F; }},
                      Scores{"huge", [](std::size_t, float noise) { return 1e30F * noise; }}),
    [](const auto& test) { return test.param.name; });

TEST(WeightedMoments, AreAsExactForAnHourAsForASecond) {
  constexpr std::size_t kHour = 360'000;
  Sheet scores(kHour, 2);  // all alike
  const Sheet values = Sheet::random(kHour, 2);
  const std::vector<float> centres(2);
  WeightedMoments moments(centres);
  moments.add(scores.rows(), values.rows());
  for (std::size_t c = 0; c < 2; ++c) {
    const double variance = sums_of(values, kHour, c).squares / kHour;
    EXPECT_NEAR(moments.variance(c), variance, 2e-7 * variance) << c;
  }
}

TEST(WeightedMoments, TellOfScoresThatAreNoNumbers) {
  for (const float fault : {kNaN, kInfinity}) {
    Sheet scores = Sheet::random(200, 2);
    Sheet values = Sheet::random(200, 2);
    scores.at(150, 1) = fault;
    const std::vector<float> centres(2);
    WeightedMoments moments(centres);
    moments.add(scores.rows(), values.rows());
    EXPECT_TRUE(std::isfinite(moments.mean(0)));
    EXPECT_FALSE(std::isfinite(moments.mean(1)));
    EXPECT_FALSE(std::isfinite(moments.variance(1)));
  }
}

// ------------------------------------------------------------------------------------------- 8 bits

TEST(Rows, RangeIncludesZero) {
  for (const std::size_t width : kWidths) {
    Sheet x(20, width);
    x.fill([](std::size_t r, std::size_t) { return static_cast<float>(r) + 1; });
    EXPECT_EQ(range(x.rows()).low, 0);
    EXPECT_EQ(range(x.rows()).high, 20);
    x.at(11, width - 1) = -2;
    x.at(12, width / 2) = 50;
    EXPECT_EQ(range(x.rows()).low, -2);
    EXPECT_EQ(range(x.rows()).high, 50);
    EXPECT_EQ(range(x.rows().part(13, 2)).high, 15);
  }
  EXPECT_EQ(range(Sheet(3, 7).rows().part(0, 0)).high, 0);
}

TEST(Rows, RangeTellsOfWhatIsNotFinite) {
  for (const float fault : {kNaN, -kNaN, kInfinity, -kInfinity}) {
    Sheet x = Sheet::random(20, 33);
    x.at(4, 17) = fault;
    EXPECT_FALSE(std::isfinite(range(x.rows()).high - range(x.rows()).low)) << fault;
  }
}

TEST(Rows, QuantiseRoundsToTheNearest) {
  for (const std::size_t width : kWidths) {
    const Sheet x = Sheet::random(30, width);
    std::vector<std::uint8_t> bytes(30 * width);
    quantise(x.rows(), 20, 64, 127, bytes.data());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      ASSERT_NEAR(bytes[i], x.at(i / width, i % width) * 20.0 + 64, 0.5001) << i;
    }
  }
}

TEST(Rows, QuantiseClampsAndTakesTheEvenOfTwoAsNear) {
  const std::vector<float> inputs = {0, 0.4F, 0.5F, 1.5F, 2.5F, -0.5F, -10, -11, -1e9F, 100, 117, 118, 1e9F};
  const std::vector<int> expected = {10, 10, 10, 12, 12, 10, 0, 0, 0, 110, 127, 127, 127};
  Sheet x(1, inputs.size());
  x.fill([&](std::size_t, std::size_t c) { return inputs[c]; });
  std::vector<std::uint8_t> bytes(inputs.size());
  quantise(x.rows(), 1, 10, 127, bytes.data());
  EXPECT_EQ(std::vector<int>(bytes.begin(), bytes.end()), expected);
  quantise(x.rows(), 1, 10, 255, bytes.data());
  EXPECT_EQ(bytes[11], 128);
  EXPECT_EQ(bytes[12], 255);
}

}  // namespace
}  // namespace timbre
