#include "simd/lstm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "simd/sheet.h"

namespace timbre::simd {
namespace {

using namespace testing;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

TEST(LstmStep, IsThatOfTheDefinition) {
  const AlignedFloats recurrent = random_floats(4 * kLstmUnits * kLstmUnits, 0.2F);
  const AlignedFloats gates = random_floats(4 * kLstmUnits, 100);  // some of them far out
  AlignedFloats hidden = random_floats(kLstmUnits);
  AlignedFloats cell = random_floats(kLstmUnits);
  const AlignedFloats hidden_before = hidden;
  const AlignedFloats cell_before = cell;
  lstm_step(recurrent.data(), gates.data(), hidden.data(), cell.data());
  for (std::size_t i = 0; i < kLstmUnits; ++i) {
    double sums[4];
    for (std::size_t gate = 0; gate < 4; ++gate) {
      sums[gate] = gates[gate * kLstmUnits + i];
      for (std::size_t from = 0; from < kLstmUnits; ++from) {
        sums[gate] += static_cast<double>(hidden_before[from]) * recurrent[(gate * kLstmUnits + from) * kLstmUnits + i];
      }
    }
    const double remembered = sigmoid(sums[1]) * cell_before[i] + sigmoid(sums[0]) * std::tanh(sums[2]);
    EXPECT_NEAR(cell[i], remembered, 1e-5) << i;
    EXPECT_NEAR(hidden[i], sigmoid(sums[3]) * std::tanh(remembered), 1e-5) << i;
  }
}

}  // namespace
}  // namespace timbre::simd
