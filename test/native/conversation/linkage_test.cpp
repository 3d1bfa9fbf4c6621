#include "conversation/linkage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "stops_after.h"
#include "vectors_on_a_sphere.h"

namespace timbre::conversation {
namespace {

using testing::about_axes;
using testing::at_angles;
using ::testing::ElementsAre;

std::vector<std::size_t> numbers(std::size_t count) {
  std::vector<std::size_t> values(count);
  std::iota(values.begin(), values.end(), std::size_t{0});
  return values;
}

std::vector<std::size_t> link(const Matrix& unit, const std::vector<std::size_t>& windows, const LinkLimits& limits) {
  return link_average(unit, windows, std::vector<double>(unit.rows, 1), limits, kUninterrupted);
}

TEST(LinkAverage, MergesDownToTheThreshold) {
  // Cosines of 0, 20 and 60 degrees: 0.940 of the first two; 0.5 and 0.766 with the third, 0.633 in the mean.
  const Matrix unit = at_angles({0, 20, 60});
  EXPECT_THAT(link(unit, numbers(3), {0.95}), ElementsAre(0, 1, 2));
  EXPECT_THAT(link(unit, numbers(3), {0.64}), ElementsAre(0, 0, 1));
  EXPECT_THAT(link(unit, numbers(3), {0.63}), ElementsAre(0, 0, 0));
}

TEST(LinkAverage, WeighsClustersByWhatTheyStandFor) {
  const Matrix unit = at_angles({0, 20, 60});
  const std::vector<double> heavy_first = {9, 1, 1};
  // (9 * 0.5 + 0.766) / 10 = 0.527
  EXPECT_THAT(link_average(unit, numbers(3), heavy_first, {0.53}, kUninterrupted), ElementsAre(0, 0, 1));
  EXPECT_THAT(link_average(unit, numbers(3), heavy_first, {0.52}, kUninterrupted), ElementsAre(0, 0, 0));
}

TEST(LinkAverage, TakesTwoOfOneWindowForOpposites) {
  const Matrix unit = at_angles({0, 1, 2});
  // (-1 + 0.9998) / 2 is the mean of the pair that is left.
  EXPECT_THAT(link(unit, {0, 0, 1}, {0.5}), ElementsAre(0, 1, 1));
  EXPECT_THAT(link(unit, {0, 0, 1}, {-0.1}), ElementsAre(0, 0, 0));
}

TEST(LinkAverage, LeavesAtLeastAndAtMostSoMany) {
  const Matrix unit = at_angles({0, 1, 90, 91, 180});
  EXPECT_THAT(link(unit, numbers(5), {-2, 4}), ElementsAre(0, 0, 1, 2, 3));
  EXPECT_THAT(link(unit, numbers(5), {0.9}), ElementsAre(0, 0, 1, 1, 2));
  EXPECT_EQ(count_labels(link(unit, numbers(5), {0.9, 1, 2})), 2U);
}

TEST(LinkAverage, OfNothingIsNothing) { EXPECT_EQ(count_labels(link(Matrix(0, 4), {}, {0.5})), 0U); }

TEST(LinkAverage, StopsWhereItIsInterrupted) {
  const test::StopsAfter interrupt(2);
  const Matrix unit = about_axes({50}, 0.01, 8, 1);
  const auto labels = link_average(unit, numbers(50), std::vector<double>(50, 1), {0.5}, interrupt);
  EXPECT_GT(count_labels(labels), 40U);
}

TEST(LinkInChunks, FindsTheClustersThatOneChunkFinds) {
  const Matrix unit = about_axes({40, 25, 10, 60}, 0.03, 16, 3);
  const std::vector<double> seconds(unit.rows, 2);
  const auto whole = link_in_chunks(unit, numbers(unit.rows), seconds, {0.65}, 1000, kUninterrupted);
  EXPECT_EQ(count_labels(whole), 4U);
  for (const std::size_t chunk : {7U, 20U, 50U}) {
    EXPECT_EQ(link_in_chunks(unit, numbers(unit.rows), seconds, {0.65}, chunk, kUninterrupted), whole) << chunk;
  }
}

TEST(LinkInChunks, EndsWhereNothingIsAlike) {
  // Far more axes than may be left: every vector is a stranger to every other.
  const Matrix unit = about_axes(std::vector<std::size_t>(128, 1), 0, 128, 1);
  const std::vector<double> seconds(unit.rows, 2);
  const auto labels = link_in_chunks(unit, numbers(unit.rows), seconds, {0.65, 1, 10}, 16, kUninterrupted);
  EXPECT_LE(count_labels(labels), 10U);
  EXPECT_GE(count_labels(labels), 1U);
}

TEST(Centroids, AreUnitMeansByWeight) {
  const Matrix means =
      centroids(at_angles({0, 90, 180}), std::vector<double>{3, 4, 1}, std::vector<std::size_t>{0, 0, 1});
  ASSERT_EQ(means.rows, 2U);
  EXPECT_NEAR(means.row(0)[0], 0.6, 1e-6);
  EXPECT_NEAR(means.row(0)[1], 0.8, 1e-6);
  EXPECT_NEAR(means.row(1)[0], -1, 1e-6);
}

}  // namespace
}  // namespace timbre::conversation
