#include "simd/power_spectra.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "simd/sheet.h"

namespace timbre::simd {
namespace {

using namespace testing;

TEST(PowerSpectra, OfColumnsAreThoseOfTheDefinition) {
  constexpr std::size_t kStep = 35;
  constexpr std::size_t kColumns = 32;
  for (const std::size_t points : {8U, 64U, 256U, 512U}) {
    ASSERT_TRUE(PowerSpectra::takes(points));
    const AlignedFloats window = random_floats(points);
    const PowerSpectra spectra({window.begin(), window.end()});
    const AlignedFloats samples = random_floats(points * kStep);
    AlignedFloats out(spectra.bins() * kStep);
    spectra.compute(samples.data(), kStep, kColumns, out.data());
    for (std::size_t column = 0; column < kColumns; column += 7) {
      for (std::size_t k = 0; k < spectra.bins(); ++k) {
        std::complex<double> sum;
        for (std::size_t i = 0; i < points; ++i) {
          const double turn = 2 * std::numbers::pi / static_cast<double>(points);
          sum += static_cast<double>(samples[i * kStep + column]) * static_cast<double>(window[i]) *
                 std::polar(1.0, -turn * static_cast<double>(k * i % points));
        }
        ASSERT_NEAR(out[k * kStep + column], std::norm(sum), 1e-5 * static_cast<double>(points))
            << points << " points, bin " << k << ", column " << column;
      }
    }
  }
}

TEST(PowerSpectra, TakePowersOfTwo) {
  for (const std::size_t points : {0U, 4U, 12U, 400U, 1024U}) EXPECT_FALSE(PowerSpectra::takes(points)) << points;
}

}  // namespace
}  // namespace timbre::simd
