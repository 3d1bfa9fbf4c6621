#include "network/int8.h"

#include <ATen/Functions.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "network/frame_layer.h"
#include "network/torch_settings.h"

namespace timbre::network {
namespace {

constexpr std::size_t kInputs = 37;
constexpr std::size_t kOutputs = 50;
constexpr std::size_t kRows = 40;

at::Tensor weights_of(std::int64_t outputs, std::int64_t inputs) {
  return at::arange(outputs * inputs, at::kFloat).mul(0.61).sin().view({outputs, inputs}).contiguous();
}

simd::ReluNorm norm_of(std::size_t outputs) {
  simd::ReluNorm norm;
  for (std::size_t c = 0; c < outputs; ++c) {
    norm.bias.push_back(0.1F * static_cast<float>(c % 5));
    norm.scale.push_back(1 + 0.01F * static_cast<float>(c));
    norm.shift.push_back(-0.5F);
  }
  return norm;
}

class Int8LayerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!why_no_int8().empty()) GTEST_SKIP() << why_no_int8();
    for (std::size_t i = 0; i < kRows * kInputs; ++i) {
      values_.push_back(static_cast<float>(2 * std::sin(0.37 * static_cast<double>(i))));
    }
  }

  simd::ConstRows x() const { return {values_.data(), kRows, kInputs, kInputs}; }

  /// The furthest of any output from what full precision gives.
  template <typename Found>
  double furthest(const Found& found) {
    const FrameLayer<float> full(weights_, norm_of(kOutputs), {});
    std::vector<float> expected(kRows * kOutputs);
    full.apply(x(), {expected.data(), kRows, kOutputs, kOutputs}, scratch_);
    double most = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) most = std::max<double>(most, std::abs(found(i) - expected[i]));
    return most;
  }

  TorchScope scope_;
  LayerScratch scratch_;
  at::Tensor weights_ = weights_of(kOutputs, kInputs);
  at::Tensor rounded_ = to_int8(weights_);
  std::vector<float> values_;
};

TEST_F(Int8LayerTest, IsThatOfTheWeightsWithinTheRounding) {
  const FrameLayer<float> layer(rounded_, norm_of(kOutputs), {});
  EXPECT_EQ(layer.inputs(), kInputs);
  EXPECT_EQ(layer.outputs(), kOutputs);
  std::vector<float> found(kRows * kOutputs);
  layer.apply(x(), {found.data(), kRows, kOutputs, kOutputs}, scratch_);
  const double difference = furthest([&](std::size_t i) { return found[i]; });
  // Half a step of 4 / 127 for every input, as they fall.
  EXPECT_LT(difference, 0.3);
  EXPECT_GT(difference, 1e-4) << "nothing was computed in int8";
}

TEST_F(Int8LayerTest, MultipliesBetweenActivationsInBf16) {
  const FrameLayer<simd::Bf16> layer(rounded_, norm_of(kOutputs), {});
  EXPECT_EQ(layer.inputs(), kInputs);
  EXPECT_EQ(layer.outputs(), kOutputs);
  std::vector<simd::Bf16> rounded(kRows * kInputs);
  std::ranges::transform(values_, rounded.begin(), simd::to_bf16);
  const simd::ConstBf16Rows rows{rounded.data(), kRows, kInputs, kInputs};
  std::vector<simd::Bf16> applied(kRows * kOutputs);
  layer.apply(rows, {applied.data(), kRows, kOutputs, kOutputs}, scratch_);
  EXPECT_LT(furthest([&](std::size_t i) { return simd::to_float(applied[i]); }), 0.4);

  std::vector<simd::Bf16> convolved(kRows * kOutputs);
  layer.convolve(rows, {}, {0, kRows}, 0, {convolved.data(), kRows, kOutputs, kOutputs}, scratch_);
  for (std::size_t i = 0; i < applied.size(); ++i) ASSERT_EQ(convolved[i].bits, applied[i].bits) << i;

  const simd::Rows product = layer.multiply(rows, scratch_);
  const auto norm = norm_of(kOutputs);
  for (std::size_t i = 0; i < applied.size(); ++i) {
    const std::size_t c = i % kOutputs;
    const float finished = std::max(product.data[i] + norm.bias[c], 0.0F) * norm.scale[c] + norm.shift[c];
    ASSERT_NEAR(simd::to_float(applied[i]), finished, 0.01 * std::abs(finished) + 1e-3) << i;
  }
}

TEST_F(Int8LayerTest, WithNeighboursMultipliesAsItsActivationsDo) {
  const simd::Window window{3, 2, 1, true};
  const at::Tensor wide = weights_of(8, 3 * kInputs);
  const at::Tensor rounded = to_int8(wide);
  const FrameLayer<float> layer(rounded, norm_of(8), window);
  const FrameLayer<float> full(rounded.dequantize(), norm_of(8), window);
  EXPECT_EQ(layer.inputs(), 3 * kInputs);
  std::vector<float> found(kRows * 8);
  std::vector<float> expected(kRows * 8);
  layer.convolve(x(), {}, {0, kRows}, 0, {found.data(), kRows, 8, 8}, scratch_);
  full.convolve(x(), {}, {0, kRows}, 0, {expected.data(), kRows, 8, 8}, scratch_);
  EXPECT_EQ(found, expected);

  const FrameLayer<simd::Bf16> in_bf16(rounded, norm_of(8), window);
  EXPECT_EQ(in_bf16.inputs(), 3 * kInputs);
  std::vector<simd::Bf16> close(kRows * 8);
  in_bf16.convolve(x(), simd::ConstRows{}, {0, kRows}, 0, {close.data(), kRows, 8, 8}, scratch_);
  for (std::size_t i = 0; i < close.size(); ++i) ASSERT_NEAR(simd::to_float(close[i]), expected[i], 0.2) << i;
}

TEST_F(Int8LayerTest, RefusesWhatIsNoMatrix) {
  EXPECT_THROW(int8_matrix(at::quantize_per_channel(at::zeros({2, 3, 1}), at::ones({2}, at::kDouble),
                                                    at::zeros({2}, at::kLong), 0, at::kQInt8)),
               c10::Error);
  const auto too_many = static_cast<std::int64_t>(simd::Int8Matrix::kMostInputs) + 1;
  EXPECT_THROW(int8_matrix(to_int8(at::ones({1, too_many}))), c10::Error);
}

}  // namespace
}  // namespace timbre::network
