#include "simd/vectors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "simd/sheet.h"

namespace timbre::simd {
namespace {

using namespace testing;

TEST(DotRows, AgreesWithDoublePrecisionForEveryLengthAndNumberOfRows) {
  for (std::size_t dim = 1; dim <= 200; ++dim) {
    const std::size_t count = dim % 7 + 1;
    const std::vector<float> query = random_vector(dim);
    const std::vector<float> rows = random_vector(count * dim);
    std::vector<float> products(count + 1, -7);
    dot_rows(query.data(), rows.data(), count, dim, products.data());
    for (std::size_t row = 0; row < count; ++row) {
      double expected = 0;
      for (std::size_t i = 0; i < dim; ++i) expected += static_cast<double>(query[i]) * rows[row * dim + i];
      ASSERT_NEAR(products[row], expected, 3e-4) << dim << ", row " << row << " of " << count;
    }
    ASSERT_EQ(products[count], -7) << "what lies behind the products";
    ASSERT_EQ(dot(query, std::span(rows).first(dim)), products[0]) << "one row alone, and beside others";
  }
}

TEST(DotRows, OfWholeNumbersAreExactForEveryLengthAndNumberOfRows) {
  std::mt19937 random(1);
  for (std::size_t dim = 1; dim <= 200; ++dim) {
    const std::size_t count = dim % 7 + 1;
    std::vector<std::int16_t> query(dim);
    std::vector<std::int8_t> rows(count * dim);
    for (auto& x : query) x = static_cast<std::int16_t>(std::uniform_int_distribution(-32767, 32767)(random));
    for (auto& x : rows) x = static_cast<std::int8_t>(std::uniform_int_distribution(-127, 127)(random));
    // The largest that there are.
    if (dim % 3 == 0) {
      std::fill(query.begin(), query.end(), std::int16_t{-32767});
      std::fill(rows.begin(), rows.end(), std::int8_t{127});
    }
    std::vector<std::int32_t> products(count + 1, -7);
    dot_rows(query.data(), rows.data(), count, dim, products.data());
    for (std::size_t row = 0; row < count; ++row) {
      std::int64_t expected = 0;
      for (std::size_t i = 0; i < dim; ++i) expected += std::int64_t{query[i]} * rows[row * dim + i];
      ASSERT_EQ(products[row], expected) << dim << ", row " << row << " of " << count;
    }
    ASSERT_EQ(products[count], -7) << "what lies behind the products";
  }
}

TEST(SquareRoot, IsExactlyRounded) {
  std::vector<float> x;
  for (int i = 0; i < 77; ++i) x.push_back(static_cast<float>(i) * 1.7F);
  const std::vector<float> before = x;
  square_root(x);
  for (std::size_t i = 0; i < x.size(); ++i) ASSERT_EQ(x[i], std::sqrt(before[i])) << i;
}

TEST(FlooredLog, IsTheLogarithmOfEveryMagnitude) {
  std::vector<float> x;
  for (int i = 0; i < 401; ++i) x.push_back(std::pow(10.0F, static_cast<float>(i - 250) / 10));
  const std::vector<float> before = x;
  const float decibels = 10 / std::log(10.0F);
  floored_log(x, 1e-20F, decibels);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double expected = 10 * std::log10(std::max(static_cast<double>(before[i]), 1e-20));
    ASSERT_NEAR(x[i], expected, 2e-7 * std::abs(expected) + 5e-7) << before[i];
  }
}

TEST(FlooredLog, DoesNotPassForANumberWhatIsNone) {
  for (const float fault : {kNaN, kInfinity, -kInfinity}) {
    std::vector<float> x(37, 1);
    x[3] = fault;
    x[36] = fault;
    floored_log(x, 1e-10F, 1);
    for (std::size_t i = 0; i < x.size(); ++i) ASSERT_EQ(std::isfinite(x[i]), i != 3 && i != 36) << fault << ", " << i;
  }
}

TEST(Multiply, IsValueByValue) {
  for (const std::size_t width : kWidths) {
    const std::vector<float> x = random_vector(width);
    const std::vector<float> y = random_vector(width);
    std::vector<float> to(width + 1, -7);
    multiply(x, y, std::span(to).first(width));
    for (std::size_t i = 0; i < width; ++i) ASSERT_EQ(to[i], x[i] * y[i]) << i;
    ASSERT_EQ(to[width], -7);
  }
}

TEST(SquareMagnitudes, AreThoseOfComplexNumbersSideBySide) {
  for (const std::size_t width : kWidths) {
    const std::vector<float> complex = random_vector(2 * width);
    std::vector<float> powers(width + 1, -7);
    square_magnitudes(complex, std::span(powers).first(width));
    for (std::size_t i = 0; i < width; ++i) {
      const double expected = std::pow(static_cast<double>(complex[2 * i]), 2) + std::pow(complex[2 * i + 1], 2);
      ASSERT_NEAR(powers[i], expected, 2e-6 * expected) << i;
    }
    ASSERT_EQ(powers[width], -7);
  }
}

}  // namespace
}  // namespace timbre::simd
