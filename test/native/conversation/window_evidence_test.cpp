#include "conversation/window_evidence.h"

#include <gtest/gtest.h>

#include <cmath>

#include "vectors_on_a_sphere.h"

namespace timbre::conversation {
namespace {

using testing::at_angles;

/// Every window is seen by nobody else, so that seconds are those of the windows.
Recipe alone() {
  Recipe recipe;
  recipe.window_hop = 10;
  recipe.window_weight = 0.5;
  recipe.window_floor = 3;
  return recipe;
}

/// Pieces near the first, the second and the third of three centroids, three of each.
const Matrix kCentroids = at_angles({0, 60, 120});
const Pieces kPieces = {{0, 1, 2, 3, 4, 5, 6, 7, 8}, at_angles({-5, 0, 5, 55, 60, 65, 115, 120, 125})};

void add(Items& items, std::size_t window, std::size_t local, const std::vector<std::uint32_t>& pieces) {
  items.window.push_back(window);
  items.local.push_back(local);
  auto& parts = items.parts.emplace_back();
  for (const std::uint32_t piece : pieces) parts.push_back({piece, 0.8F});
}

TEST(WindowEvidence, IsForTwoCentroidsThatOneLocalSpeakerIsNear) {
  Items items;
  add(items, 0, 0, {0, 1, 2, 3, 4});
  const Matrix said = window_evidence(items, kPieces, kCentroids, alone());
  // 1.2 s near the one and 0.8 s near the other.
  EXPECT_NEAR(said.row(0)[1], 0.5 * std::log((0.8 + 3) / 3), 1e-5);
  EXPECT_NEAR(said.row(1)[0], said.row(0)[1], 1e-6);
  EXPECT_EQ(said.row(0)[2], 0);
}

TEST(WindowEvidence, IsAgainstTwoCentroidsThatTwoLocalSpeakersOfAWindowAreNear) {
  Items items;
  add(items, 0, 0, {0, 1, 2});
  add(items, 0, 1, {3, 4});
  const Matrix said = window_evidence(items, kPieces, kCentroids, alone());
  EXPECT_NEAR(said.row(0)[1], 0.5 * std::log(3 / (0.8 + 3)), 1e-5);
  EXPECT_NEAR(said.row(1)[0], said.row(0)[1], 1e-6);
  EXPECT_EQ(said.row(1)[2], 0);
}

TEST(WindowEvidence, SaysNothingOfLocalSpeakersOfDifferentWindows) {
  Items items;
  add(items, 0, 0, {0, 1, 2});
  add(items, 1, 0, {3, 4, 5});
  add(items, 1, 2, {6, 7, 8});
  const Matrix said = window_evidence(items, kPieces, kCentroids, alone());
  EXPECT_EQ(said.row(0)[1], 0);
  EXPECT_EQ(said.row(0)[2], 0);
  EXPECT_LT(said.row(1)[2], 0);
}

TEST(WindowEvidence, CountsASecondOnceHoweverManyWindowsSeeIt) {
  Items once;
  Items often;
  add(once, 0, 0, {0, 1, 3, 4});
  for (std::size_t window = 0; window < 4; ++window) add(often, window, 0, {0, 1, 3, 4});
  Recipe overlapping = alone();
  overlapping.window_hop = 2.5;
  EXPECT_NEAR(window_evidence(often, kPieces, kCentroids, overlapping).row(0)[1],
              window_evidence(once, kPieces, kCentroids, alone()).row(0)[1], 1e-6);
}

}  // namespace
}  // namespace timbre::conversation
