#include "simd/moments.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "simd/sheet.h"

namespace timbre::simd {
namespace {

using namespace testing;

/// The parts of a matrix, of sizes around those that are taken together.
void in_parts(std::size_t count, const std::function<void(std::size_t first, std::size_t rows)>& work) {
  constexpr std::array<std::size_t, 6> kParts = {1, 127, 129, 2, 700, 128};
  for (std::size_t first = 0, i = 0; first < count; ++i) {
    const std::size_t rows = std::min(kParts[i % kParts.size()], count - first);
    work(first, rows);
    first += rows;
  }
}

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

TEST_P(MomentsTest, AreThoseOfAllPartsThatWereGatheredApart) {
  const std::size_t count = GetParam();
  for (const std::size_t width : kWidths) {
    Sheet sheet = Sheet::random(count, width);
    sheet.fill(
        [&](std::size_t r, std::size_t c) { return std::as_const(sheet).at(r, c) + (r > count / 2 ? 5.0F : 0); });
    Moments moments(width);
    moments.add(Moments(width));
    in_parts(count, [&](std::size_t first, std::size_t rows) {
      Moments apart(width);
      apart.add(std::as_const(sheet).rows().part(first, rows));
      moments.add(apart);
      moments.add(Moments(width));
    });
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

class SoftmaxMomentsTest : public ::testing::TestWithParam<Scores> {
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
    SoftmaxMoments moments(centres);
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

TEST_P(SoftmaxMomentsTest, AreThoseOfOneSoftmaxOverAllRows) {
  for (const std::size_t width : kWidths) {
    expect_softmax(5000, width);
  }
  for (const std::size_t count : {1U, 2U, 127U, 128U, 129U, 300U}) {
    expect_softmax(count, 33);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Scores, SoftmaxMomentsTest,
    ::testing::Values(Scores{"alike", [](std::size_t, float noise) { return noise; }},
                      Scores{"far_apart", [](std::size_t, float noise) { return 40 * noise; }},
                      Scores{"rising",
                             [](std::size_t r, float noise) { return 0.05F * static_cast<float>(r) + noise; }},
                      Scores{"falling", [](std::size_t r, float noise) { return -static_cast<float>(r) + noise; }},
                      Scores{"highest_late", [](std::size_t r, float noise) { return r == 4321 ? 200.0F : noise; }},
                      Scores{"very_negative", [](std::size_t, float noise) { return noise - 1e4F; }},
                      Scores{"huge", [](std::size_t, float noise) { return 1e30F * noise; }}),
    [](const auto& test) { return test.param.name; });

TEST(SoftmaxMoments, AreAsExactForAnHourAsForASecond) {
  constexpr std::size_t kHour = 360'000;
  Sheet scores(kHour, 2);  // all alike
  const Sheet values = Sheet::random(kHour, 2);
  const std::vector<float> centres(2);
  SoftmaxMoments moments(centres);
  moments.add(scores.rows(), values.rows());
  for (std::size_t c = 0; c < 2; ++c) {
    const double variance = sums_of(values, kHour, c).squares / kHour;
    EXPECT_NEAR(moments.variance(c), variance, 2e-7 * variance) << c;
  }
}

TEST(SoftmaxMoments, TellOfScoresThatAreNoNumbers) {
  for (const float fault : {kNaN, kInfinity}) {
    Sheet scores = Sheet::random(200, 2);
    Sheet values = Sheet::random(200, 2);
    scores.at(150, 1) = fault;
    const std::vector<float> centres(2);
    SoftmaxMoments moments(centres);
    moments.add(scores.rows(), values.rows());
    EXPECT_TRUE(std::isfinite(moments.mean(0)));
    EXPECT_FALSE(std::isfinite(moments.mean(1)));
    EXPECT_FALSE(std::isfinite(moments.variance(1)));
  }
}

}  // namespace
}  // namespace timbre::simd
