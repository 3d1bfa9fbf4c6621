#include "simd/lstm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

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
  const LstmStream stream{gates.data(), hidden.data(), cell.data()};
  lstm_step(recurrent.data(), {&stream, 1});
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

TEST(LstmStep, OfSeveralStreamsIsThatOfEach) {
  const AlignedFloats recurrent = random_floats(4 * kLstmUnits * kLstmUnits, 0.2F);
  for (std::size_t count = 2; count <= kMostLstmStreams; ++count) {
    std::vector<AlignedFloats> gates(count);
    std::vector<AlignedFloats> hidden(count);
    std::vector<AlignedFloats> cell(count);
    std::vector<LstmStream> streams;
    for (std::size_t s = 0; s < count; ++s) {
      gates[s] = random_floats(4 * kLstmUnits, 3);
      hidden[s] = random_floats(kLstmUnits);
      cell[s] = random_floats(kLstmUnits);
      streams.push_back({gates[s].data(), hidden[s].data(), cell[s].data()});
    }
    auto alone_hidden = hidden;
    auto alone_cell = cell;
    for (std::size_t s = 0; s < count; ++s) {
      const LstmStream alone{gates[s].data(), alone_hidden[s].data(), alone_cell[s].data()};
      lstm_step(recurrent.data(), {&alone, 1});
    }
    lstm_step(recurrent.data(), streams);
    EXPECT_EQ(hidden, alone_hidden) << count;
    EXPECT_EQ(cell, alone_cell) << count;
  }
}

}  // namespace
}  // namespace timbre::simd
