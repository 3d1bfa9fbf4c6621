#include "network/product.h"

#include <ATen/Functions.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "network/torch_settings.h"

namespace timbre::network {
namespace {

constexpr std::size_t kInputs = 37;
constexpr std::size_t kOutputs = 50;
constexpr std::size_t kStep = 48;

/// Inputs whose rows lie apart.
std::vector<float> inputs_of(std::size_t rows) {
  std::vector<float> values(rows * kStep);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(2 * std::sin(0.37 * static_cast<double>(i) + 1e-4 * static_cast<double>(i * i)));
  }
  return values;
}

simd::ConstRows as_rows(const std::vector<float>& values) {
  return {values.data(), values.size() / kStep, kInputs, kStep};
}

at::Tensor weights_of(std::size_t outputs, std::size_t inputs) {
  const auto shape = {static_cast<std::int64_t>(outputs), static_cast<std::int64_t>(inputs)};
  return at::arange(static_cast<std::int64_t>(outputs * inputs), at::kFloat).mul(0.61).sin().view(shape).contiguous();
}

std::vector<float> values_of(simd::Rows rows) {
  EXPECT_EQ(rows.step, rows.width);
  return {rows.data, rows.data + rows.count * rows.width};
}

double weight(const at::Tensor& weights, std::size_t output, std::size_t input) {
  const auto row = static_cast<std::int64_t>(output);
  return weights
      .const_data_ptr<float>()[row * weights.stride(0) + static_cast<std::int64_t>(input) * weights.stride(1)];
}

double expected(simd::ConstRows x, const at::Tensor& weights, std::size_t row, std::size_t output) {
  double sum = 0;
  for (std::size_t i = 0; i < x.width; ++i) {
    sum += x.row(row)[i] * weight(weights, output, i);
  }
  return sum;
}

struct Maker {
  std::string name;
  std::unique_ptr<const Product> (*make)(const at::Tensor& weights);
};

class FloatProductTest : public ::testing::TestWithParam<Maker> {
 protected:
  void expect_product(simd::ConstRows x, const at::Tensor& weights) {
    const auto product = GetParam().make(weights);
    EXPECT_EQ(product->inputs(), x.width);
    EXPECT_EQ(product->outputs(), static_cast<std::size_t>(weights.size(0)));
    const simd::Rows found = (*product)(x, scratch_);
    ASSERT_EQ(found.count, x.count);
    ASSERT_EQ(found.width, product->outputs());
    for (std::size_t r = 0; r < found.count; ++r) {
      for (std::size_t c = 0; c < found.width; ++c) {
        ASSERT_NEAR(found.row(r)[c], expected(x, weights, r, c), 2e-5) << "row " << r << ", output " << c;
      }
    }
  }

  TorchScope scope_;
  Product::Scratch scratch_;
};

TEST_P(FloatProductTest, IsThatOfTheWeights) {
  const at::Tensor weights = weights_of(kOutputs, kInputs);
  // Down again: what is left in the scratch is nobody's.
  for (const std::size_t rows : {1U, 5U, 300U, 700U, 5U, 1U}) {
    SCOPED_TRACE(rows);
    const std::vector<float> values = inputs_of(rows);
    expect_product(as_rows(values), weights);
  }
}

TEST_P(FloatProductTest, TakesAnyMatrix) {
  const std::vector<float> values = inputs_of(20);
  const simd::ConstRows x = as_rows(values);
  expect_product(x, weights_of(kInputs, kOutputs).t());
  expect_product(x, weights_of(kOutputs, kInputs).split(17)[2]);
  expect_product(x, weights_of(1, kInputs));
  expect_product({values.data(), 20, 1, kStep}, weights_of(3, 1));
}

TEST_P(FloatProductTest, KeepsWhatIsNoNumberToItsRow) {
  std::vector<float> values = inputs_of(30);
  values[11 * kStep + 3] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> found =
      values_of((*GetParam().make(weights_of(kOutputs, kInputs)))(as_rows(values), scratch_));
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(std::isnan(found[i]), i / kOutputs == 11) << i;
  }
}

TEST_P(FloatProductTest, RefusesWhatIsNoMatrix) {
  for (const std::vector<std::int64_t>& shape :
       {std::vector<std::int64_t>{}, {6}, {2, 3, 1}, {2, 3, 0}, {0, 3}, {2, 0}}) {
    EXPECT_THROW(GetParam().make(at::zeros(shape)), c10::Error) << shape.size() << " dimensions";
  }
}

INSTANTIATE_TEST_SUITE_P(Makers, FloatProductTest,
                         ::testing::Values(Maker{"fastest", float_product}, Maker{"plain", plain_product}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace timbre::network
