#include "scoring/cosine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace timbre {
namespace {

using Vector = std::vector<float>;

TEST(Cosine, IsTheCosineOfTheAngle) {
  for (int degrees = 0; degrees <= 180; degrees += 15) {
    const double angle = degrees * std::numbers::pi / 180;
    const Vector a = {2, 0};
    const Vector b = {static_cast<float>(5 * std::cos(angle)), static_cast<float>(5 * std::sin(angle))};
    EXPECT_NEAR(cosine(a, b), std::cos(angle), 1e-7) << degrees;
    EXPECT_EQ(cosine(a, b), cosine(b, a));
  }
}

TEST(Cosine, NeverLeavesItsRange) {
  const Vector a = {0.1F, 0.2F, 0.3F};
  const Vector opposite = {-0.1F, -0.2F, -0.3F};
  EXPECT_LE(cosine(a, a), 1.0);
  EXPECT_DOUBLE_EQ(cosine(a, a), 1.0);
  EXPECT_GE(cosine(a, opposite), -1.0);
  EXPECT_DOUBLE_EQ(cosine(a, opposite), -1.0);
}

TEST(Cosine, DoesNotDependOnScaleHoweverExtreme) {
  const Vector a = {3, -4, 12};
  const Vector b = {1, 2, -2};
  const double expected = cosine(a, b);
  for (const float scale : {1e-18F, 1e-6F, 1e6F, 1e18F}) {
    Vector scaled = a;
    for (float& x : scaled) x *= scale;
    EXPECT_NEAR(cosine(scaled, b), expected, 1e-6) << scale;
  }
}

TEST(Cosine, IsZeroWithAZeroVectorAndWithNone) {
  EXPECT_EQ(cosine(Vector{0, 0}, Vector{1, 2}), 0);
  EXPECT_EQ(cosine(Vector{1, 2}, Vector{0, 0}), 0);
  EXPECT_EQ(cosine(Vector{}, Vector{}), 0);
}

}  // namespace
}  // namespace timbre
