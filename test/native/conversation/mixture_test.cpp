#include "conversation/mixture.h"

#include <gtest/gtest.h>

#include <cmath>

#include "simd/vectors.h"
#include "vectors_on_a_sphere.h"

namespace timbre::conversation {
namespace {

using testing::about_axes;
using testing::at_angles;

float cosine(const Matrix& a, std::size_t i, const Matrix& b, std::size_t j) { return simd::dot(a.row(i), b.row(j)); }

/// Nothing but cosines decides.
const Evidence kSilent = [](const Matrix& centroids) { return Matrix(centroids.rows, centroids.rows); };

Matrix axes(std::size_t count, std::size_t dim) { return about_axes(std::vector<std::size_t>(count, 1), 0, dim, 1); }

TEST(Refine, IsOneStepOfTheFormulaInOneRound) {
  // Two centroids, three vectors of weights 1, 2 and 1; shares by exp(kappa cos) with equal priors.
  Recipe recipe;
  recipe.rounds = 1;
  recipe.kappa = 2;
  recipe.smallest = 0;
  recipe.merge = 2;
  const Matrix unit = at_angles({0, 30, 90});
  const std::vector<double> weights = {1, 2, 1};
  const Matrix found = refine(at_angles({0, 90}), unit, weights, recipe, {}, kSilent, kUninterrupted);
  ASSERT_EQ(found.rows, 2U);
  double x = 0;
  double y = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    const double first = std::exp(2.0 * unit.row(i)[0]);
    const double second = std::exp(2.0 * unit.row(i)[1]);
    const double share = weights[i] * first / (first + second);
    x += share * unit.row(i)[0];
    y += share * unit.row(i)[1];
  }
  EXPECT_NEAR(found.row(0)[0], x / std::hypot(x, y), 1e-5);
  EXPECT_NEAR(found.row(0)[1], y / std::hypot(x, y), 1e-5);
}

TEST(Refine, MovesCentroidsToWhereVectorsGather) {
  const Matrix unit = about_axes({60, 60}, 0.08, 32, 5);
  Matrix start = axes(2, 32);
  start.row(0)[7] = 0.5F;
  start.row(1)[9] = 0.5F;
  const Matrix found = refine(start, unit, std::vector<double>(120, 1), Recipe(), {}, kSilent, kUninterrupted);
  ASSERT_EQ(found.rows, 2U);
  EXPECT_GT(cosine(found, 0, axes(2, 32), 0), 0.99);
  EXPECT_GT(cosine(found, 1, axes(2, 32), 1), 0.99);
}

TEST(Refine, GivesUpCentroidsOfLittleMassButNeverTheHeaviest) {
  // Four pieces every half a second are two seconds, where four are needed.
  const Matrix unit = about_axes({60, 4}, 0.05, 32, 5);
  const std::vector<double> weights(64, 1);
  EXPECT_EQ(refine(axes(2, 32), unit, weights, Recipe(), {}, kSilent, kUninterrupted).rows, 1U);
  EXPECT_EQ(refine(axes(2, 32), unit, weights, Recipe(), {.least = 2}, kSilent, kUninterrupted).rows, 2U);
  const Matrix few = about_axes({4}, 0.05, 32, 5);
  EXPECT_EQ(refine(axes(2, 32), few, std::vector<double>(4, 1), Recipe(), {}, kSilent, kUninterrupted).rows, 1U);
}

TEST(Refine, MergesWhatIsOneSpeakersAndWhatIsTooMany) {
  const Matrix unit = about_axes({60, 60, 60}, 0.05, 32, 5);
  const std::vector<double> weights(180, 1);
  Matrix start = axes(3, 32);
  EXPECT_EQ(refine(start, unit, weights, Recipe(), {}, kSilent, kUninterrupted).rows, 3U);
  EXPECT_EQ(refine(start, unit, weights, Recipe(), {.least = 1, .most = 2}, kSilent, kUninterrupted).rows, 2U);
  // A fourth centroid beside the first.
  Matrix split(4, 32);
  std::ranges::copy(start.values, split.values.begin());
  split.row(3)[0] = 0.8F;
  split.row(3)[20] = 0.6F;
  EXPECT_EQ(refine(split, unit, weights, Recipe(), {}, kSilent, kUninterrupted).rows, 3U);
}

TEST(Refine, MergesByCosineAndEvidenceTogether) {
  const Matrix unit = about_axes({60, 60, 60}, 0.05, 32, 5);
  const std::vector<double> weights(180, 1);
  const auto says = [](float of_the_first_two) {
    return [of_the_first_two](const Matrix& centroids) {
      Matrix said(centroids.rows, centroids.rows);
      if (centroids.rows == 3) said.row(0)[1] = said.row(1)[0] = of_the_first_two;
      return said;
    };
  };
  const Recipe recipe;
  const auto merge = static_cast<float>(recipe.merge);
  const auto refined = [&](float evidence, const SpeakerCounts& counts) {
    return refine(axes(3, 32), unit, weights, recipe, counts, says(evidence), kUninterrupted);
  };
  EXPECT_EQ(refined(merge - 0.1F, {}).rows, 3U);
  const Matrix found = refined(merge + 0.1F, {});
  ASSERT_EQ(found.rows, 2U);
  EXPECT_GT(cosine(found, 0, axes(3, 32), 2), 0.99);
  // Where there are too many, those that evidence is least against.
  const Matrix fewer = refined(-0.5F, {.least = 1, .most = 2});
  ASSERT_EQ(fewer.rows, 2U);
  EXPECT_GT(cosine(fewer, 1, axes(3, 32), 2), 0.6);
}

}  // namespace
}  // namespace timbre::conversation
