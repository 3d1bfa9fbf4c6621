#include "conversation/assignment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace timbre::conversation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Pairs = std::vector<std::optional<std::size_t>>;

double total(const Pairs& pairs, const std::vector<float>& scores, std::size_t columns) {
  double sum = 0;
  for (std::size_t row = 0; row < pairs.size(); ++row) {
    if (pairs[row]) sum += scores[row * columns + *pairs[row]];
  }
  return sum;
}

/// The highest sum over all ways to pair, for no more rows than columns.
double highest(const std::vector<float>& scores, std::size_t rows, std::size_t columns) {
  std::vector<std::size_t> order(columns);
  std::iota(order.begin(), order.end(), std::size_t{0});
  double best = -1e9;
  do {
    double sum = 0;
    for (std::size_t row = 0; row < rows; ++row) sum += scores[row * columns + order[row]];
    best = std::max(best, sum);
  } while (std::ranges::next_permutation(order).found);
  return best;
}

TEST(AssignHighest, GivesUpTheBestOfARowWhereTheSumGains) {
  // Greedily row 0 takes column 0 (0.9), and row 1 is left with 0.1.
  EXPECT_THAT(assign_highest(std::vector<float>{0.9F, 0.8F, 0.85F, 0.1F}, 2, 2), ElementsAre(1U, 0U));
}

TEST(AssignHighest, TakesNegativeScores) {
  EXPECT_THAT(assign_highest(std::vector<float>{-5, -1, -2, -4}, 2, 2), ElementsAre(1U, 0U));
}

TEST(AssignHighest, LeavesTheWorstRowsWithoutAColumn) {
  EXPECT_THAT(assign_highest(std::vector<float>{0.2F, 0.9F, 0.3F}, 3, 1), ElementsAre(std::nullopt, 0U, std::nullopt));
}

TEST(AssignHighest, OfNothingIsNothing) {
  EXPECT_THAT(assign_highest({}, 0, 3), IsEmpty());
  EXPECT_THAT(assign_highest({}, 2, 0), ElementsAre(std::nullopt, std::nullopt));
}

TEST(AssignHighest, IsAsGoodAsEveryPermutation) {
  std::mt19937 generator(7);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (int trial = 0; trial < 300; ++trial) {
    const std::size_t rows = 1 + generator() % 4;
    const std::size_t columns = rows + generator() % 3;
    std::vector<float> scores(rows * columns);
    for (float& score : scores) score = uniform(generator);
    const Pairs pairs = assign_highest(scores, rows, columns);
    EXPECT_NEAR(total(pairs, scores, columns), highest(scores, rows, columns), 1e-5);

    std::vector<float> turned(scores.size());
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < columns; ++c) turned[c * rows + r] = scores[r * columns + c];
    }
    EXPECT_NEAR(total(assign_highest(turned, columns, rows), turned, rows), highest(scores, rows, columns), 1e-5);
  }
}

}  // namespace
}  // namespace timbre::conversation
