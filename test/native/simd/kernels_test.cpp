// Every kind of kernels that this machine can run, against the definitions in double precision.
#include "speech/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <random>
#include <string>

namespace timbre {
namespace {

class KernelsTest : public testing::TestWithParam<Kernels> {
 protected:
  Floats random(std::size_t count, float most = 1) {
    std::uniform_real_distribution<float> uniform(-most, most);
    Floats values(count);
    for (float& x : values) x = uniform(generator_);
    return values;
  }

 private:
  std::mt19937 generator_{7};
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

TEST_P(KernelsTest, MultiplyMatricesOfEveryShape) {
  for (const std::size_t rows : {2U, 4U, 6U, 8U, 10U, 16U}) {
    for (const std::size_t columns : {16U, 32U, 48U, 64U, 112U}) {
      for (const std::size_t depth : {1U, 37U}) {
        const std::size_t left_step = rows + 3;
        const std::size_t right_step = columns + 5;
        const std::size_t out_step = columns + 1;
        const Floats left = random(depth * left_step);
        const Floats right = random(depth * right_step);
        const Floats bias = random(rows);
        for (const bool rectified : {false, true}) {
          for (const float* const start : {static_cast<const float*>(nullptr), bias.data()}) {
            Floats out(rows * out_step, 7);
            GetParam().multiply({.left = left.data(),
                                 .left_step = left_step,
                                 .right = right.data(),
                                 .right_step = right_step,
                                 .depth = depth,
                                 .rows = rows,
                                 .columns = columns,
                                 .out = out.data(),
                                 .out_step = out_step,
                                 .bias = start,
                                 .rectified = rectified});
            for (std::size_t r = 0; r < rows; ++r) {
              for (std::size_t c = 0; c < columns; ++c) {
                double sum = start ? start[r] : 0;
                for (std::size_t i = 0; i < depth; ++i) {
                  sum += static_cast<double>(left[i * left_step + r]) * right[i * right_step + c];
                }
                ASSERT_NEAR(out[r * out_step + c], rectified ? std::max(sum, 0.0) : sum, 1e-5)
                    << rows << " x " << columns << ", " << r << ", " << c;
              }
              ASSERT_EQ(out[r * out_step + columns], 7) << "what lies beside the result";
            }
          }
        }
      }
    }
  }
}

TEST_P(KernelsTest, TransformColumns) {
  constexpr std::size_t kStep = 35;
  constexpr std::size_t kColumns = 32;
  for (const std::size_t points : {8U, 64U, 256U, 512U}) {
    const PowerSpectra spectra(points);
    const Floats samples = random(points * kStep);
    Floats out(spectra.bins() * kStep);
    GetParam().powers(spectra, samples.data(), kStep, kColumns, out.data());
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

TEST_P(KernelsTest, Remember) {
  const Floats recurrent = random(4 * kHidden * kHidden, 0.2F);
  const Floats gates = random(4 * kHidden, 100);  // some of them far out
  Floats hidden = random(kHidden);
  Floats cell = random(kHidden);
  const Floats hidden_before = hidden;
  const Floats cell_before = cell;
  GetParam().remember(recurrent.data(), gates.data(), hidden.data(), cell.data());
  for (std::size_t i = 0; i < kHidden; ++i) {
    double sums[4];
    for (std::size_t gate = 0; gate < 4; ++gate) {
      sums[gate] = gates[gate * kHidden + i];
      for (std::size_t from = 0; from < kHidden; ++from) {
        sums[gate] += static_cast<double>(hidden_before[from]) * recurrent[(gate * kHidden + from) * kHidden + i];
      }
    }
    const double remembered = sigmoid(sums[1]) * cell_before[i] + sigmoid(sums[0]) * std::tanh(sums[2]);
    EXPECT_NEAR(cell[i], remembered, 1e-5) << i;
    EXPECT_NEAR(hidden[i], sigmoid(sums[3]) * std::tanh(remembered), 1e-5) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Usable, KernelsTest, testing::ValuesIn(usable_kernels().begin(), usable_kernels().end()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(TransposeFour, PutsRowsSideBySide) {
  constexpr std::size_t kColumns = 12;
  constexpr std::size_t kInStep = 13;
  constexpr std::size_t kOutStep = 5;
  Floats in(4 * kInStep);
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(i);
  Floats out(kColumns * kOutStep, -1);
  transpose_four(in.data(), kInStep, kColumns, out.data(), kOutStep);
  for (std::size_t c = 0; c < kColumns; ++c) {
    for (std::size_t r = 0; r < 4; ++r) EXPECT_EQ(out[c * kOutStep + r], in[r * kInStep + c]);
    EXPECT_EQ(out[c * kOutStep + 4], -1);
  }
}

}  // namespace
}  // namespace timbre
