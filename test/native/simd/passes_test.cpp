#include "simd/passes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "simd/sheet.h"

namespace timbre::simd {
namespace {

using namespace testing;

// ------------------------------------------------------------------------------------------- value by value

TEST(ReluNorm, IsBiasReluAndNorm) {
  for (const std::size_t width : kWidths) {
    const Sheet from = Sheet::random(9, width);
    Sheet to(9, width);
    const ReluNorm layer{random_vector(width), random_vector(width), random_vector(width)};
    relu_norm(from.rows(), layer, to.rows());
    to.expect(
        [&](std::size_t r, std::size_t c) {
          const double sum = static_cast<double>(from.at(r, c)) + layer.bias[c];
          return std::max(sum, 0.0) * layer.scale[c] + layer.shift[c];
        },
        1e-5);
  }
}

TEST(ReluNorm, KeepsWhatIsNoNumber) {
  Sheet sheet(1, 40);
  Sheet to(1, 40);
  sheet.fill([](std::size_t, std::size_t c) { return c == 3 || c == 39 ? kNaN : -1; });
  const std::vector<float> ones(40, 1);
  relu_norm(sheet.rows(), {ones, ones, ones}, to.rows());
  for (std::size_t c = 0; c < 40; ++c) {
    EXPECT_EQ(std::isnan(to.at(0, c)), c == 3 || c == 39) << c;
  }
}

TEST(AddBias, AddsAValueToEveryChannel) {
  for (const std::size_t width : kWidths) {
    const Sheet from = Sheet::random(6, width);
    Sheet to(6, width);
    const std::vector<float> bias = random_vector(width);
    add_bias(from.rows(), bias, to.rows());
    to.expect([&](std::size_t r, std::size_t c) { return from.at(r, c) + bias[c]; }, 0);
  }
}

TEST(Copy, TakesAPartAndSomeColumns) {
  const Sheet from = Sheet::random(10, 33);
  Sheet to(4, 7);
  copy(from.rows().part(5, 4).columns(20, 7), to.rows());
  to.expect([&](std::size_t r, std::size_t c) { return from.at(r + 5, c + 20); }, 0);
}

TEST(AddScaled, MayWriteToEitherTerm) {
  for (const std::size_t width : kWidths) {
    const Sheet x = Sheet::random(5, width);
    const Sheet y = Sheet::random(5, width);
    const std::vector<float> gain = random_vector(width);
    for (const std::string to : {"x", "y", "another"}) {
      Sheet first = x;
      Sheet second = y;
      Sheet third(5, width);
      Sheet& result = to == "x" ? first : to == "y" ? second : third;
      add_scaled(first.rows(), second.rows(), gain, result.rows());
      result.expect(
          [&](std::size_t r, std::size_t c) { return x.at(r, c) + static_cast<double>(y.at(r, c)) * gain[c]; }, 1e-5);
    }
  }
}

TEST(Tanh, IsTheHyperbolicTangent) {
  for (const std::size_t width : kWidths) {
    Sheet x = Sheet::random(50, width, 12);
    const Sheet before = x;
    tanh(x.rows());
    x.expect([&](std::size_t r, std::size_t c) { return std::tanh(static_cast<double>(before.at(r, c))); }, 2e-7);
  }
}

TEST(Tanh, HoldsAtTheEdges) {
  // Near zero the error is what float has near one: small beside the other values of a sum, not beside its own.
  const std::vector<float> inputs = {0.0F,  -0.0F,  1e-38F, -1e-38F, 1e-8F,     1e-4F,      -1e-4F, 9.0F,
                                     30.0F, -30.0F, 87.5F,  -1e30F,  kInfinity, -kInfinity, 0.5F};
  Sheet x(1, inputs.size());
  x.fill([&](std::size_t, std::size_t c) { return inputs[c]; });
  tanh(x.rows());
  x.expect([&](std::size_t, std::size_t c) { return std::tanh(static_cast<double>(inputs[c])); }, 1.5e-7);
  EXPECT_EQ(x.at(0, 0), 0);
  EXPECT_EQ(x.at(0, 1), 0);
  EXPECT_EQ(x.at(0, 8), 1);
  EXPECT_EQ(x.at(0, 9), -1);
  Sheet none(1, 1);
  none.at(0, 0) = kNaN;
  tanh(none.rows());
  EXPECT_TRUE(std::isnan(none.at(0, 0)));
}

// ------------------------------------------------------------------------------------------- frames of a convolution

/// The frame that Neighbours of models/timbre_models/ecapa.py names; -1: none.
std::ptrdiff_t neighbour(const Window& window, std::size_t frame, std::size_t tap, std::ptrdiff_t count) {
  std::ptrdiff_t at = static_cast<std::ptrdiff_t>(frame * window.stride) +
                      (static_cast<std::ptrdiff_t>(tap) - static_cast<std::ptrdiff_t>(window.taps / 2)) *
                          static_cast<std::ptrdiff_t>(window.dilation);
  const std::ptrdiff_t last = count - 1;
  if (!window.reflect) {
    return at >= 0 && at <= last ? at : -1;
  }
  at = std::abs(at);
  at = at > last ? 2 * last - at : at;
  return std::clamp<std::ptrdiff_t>(at, 0, last);
}

class Im2colTest : public ::testing::TestWithParam<Window> {};

TEST_P(Im2colTest, TakesTheFramesOfTheModule) {
  const Window& window = GetParam();
  for (const std::size_t count : {1U, 2U, 3U, 5U, 9U, 40U}) {
    for (const std::size_t width : {1U, 7U, 33U}) {
      SCOPED_TRACE(std::to_string(count) + " frames of " + std::to_string(width));
      const Sheet x = Sheet::random(count, width);
      const Sheet y = Sheet::random(count, width);
      const std::size_t outputs = (count + window.stride - 1) / window.stride;
      for (const bool sum : {false, true}) {
        for (std::size_t first = 0; first < outputs; first += 1 + outputs / 2) {
          Sheet to(outputs - first, window.taps * width);
          im2col(x.rows(), sum ? y.rows() : ConstRows{}, window, {0, count}, first, to.rows());
          to.expect(
              [&](std::size_t r, std::size_t c) {
                const std::ptrdiff_t at = neighbour(window, first + r, c / width, static_cast<std::ptrdiff_t>(count));
                const auto frame = static_cast<std::size_t>(at);
                return at < 0 ? 0 : x.at(frame, c % width) + (sum ? y.at(frame, c % width) : 0);
              },
              0);
        }
      }
    }
  }
}

std::string name_of(const Window& window) {
  const auto& [taps, dilation, stride, reflect] = window;
  return std::to_string(taps) + "_taps_" + std::to_string(dilation) + "_apart_every_" + std::to_string(stride) +
         (reflect ? "_reflected" : "_zeros");
}

TEST(Im2col, TakesFramesOfAPartOfAnUtterance) {
  const Sheet x = Sheet::random(60, 5);
  const Window window{3, 4, 1, true};
  Sheet whole(30, 15);
  Sheet part(30, 15);
  im2col(x.rows(), {}, window, {0, 60}, 30, whole.rows());
  im2col(x.rows().part(26, 34), {}, window, {26, 60}, 30, part.rows());
  part.expect([&](std::size_t r, std::size_t c) { return whole.at(r, c); }, 0);
}

INSTANTIATE_TEST_SUITE_P(Windows, Im2colTest,
                         ::testing::Values(Window{1, 1, 1, true}, Window{5, 1, 1, true}, Window{5, 1, 1, false},
                                           Window{3, 2, 1, true}, Window{3, 4, 1, true}, Window{3, 3, 1, false},
                                           Window{5, 1, 2, true}, Window{5, 1, 3, false}, Window{4, 2, 2, true}),
                         [](const auto& test) { return name_of(test.param); });

}  // namespace
}  // namespace timbre::simd
