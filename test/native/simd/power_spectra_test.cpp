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
    const PowerSpectra spectra(points);
    const AlignedFloats samples = random_floats(points * kStep);
    AlignedFloats out(spectra.bins() * kStep);
    spectra.compute(samples.data(), kStep, kColumns, out.data());
    for (std::size_t column = 0; column < kColumns; column += 7) {
      for (std::size_t k = 0; k < spectra.bins(); ++k) {
        std::complex<double> sum;
        for (std::size_t i = 0; i < points; ++i) {
          const double turn = 2 * std::numbers::pi / static_cast<double>(points);
          const double window = 0.5 - 0.5 * std::cos(turn * static_cast<double>(i));
          sum += static_cast<double>(samples[i * kStep + column]) *
                 std::polar(window, -turn * static_cast<double>(k * i % points));
        }
        ASSERT_NEAR(out[k * kStep + column], std::norm(sum), 1e-5 * static_cast<double>(points))
            << points << " points, bin " << k << ", column " << column;
      }
    }
  }
}

}  // namespace
}  // namespace timbre::simd
