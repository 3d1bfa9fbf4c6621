#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "simd/aligned.h"
#include "simd/rows.h"

namespace timbre::simd::testing {

inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr std::array<std::size_t, 4> kWidths = {1, 7, 33, 128};  // mostly no multiple of a vector

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
  static inline constexpr float kBetween = 1e6F;

  std::vector<float> values_;
  std::size_t count_;
  std::size_t width_;
};

inline std::vector<float> random_vector(std::size_t size) {
  const Sheet sheet = Sheet::random(1, size);
  return {sheet.rows().data, sheet.rows().data + size};
}

inline AlignedFloats random_floats(std::size_t count, float most = 1) {
  static std::mt19937 generator(7);
  std::uniform_real_distribution<float> uniform(-most, most);
  AlignedFloats values(count);
  for (float& x : values) x = uniform(generator);
  return values;
}

}  // namespace timbre::simd::testing
