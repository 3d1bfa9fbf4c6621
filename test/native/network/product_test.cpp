#include "network/product.h"

#include <ATen/Functions.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "network/int8.h"
#include "network/torch_settings.h"
#include "simd/passes.h"

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

class ProductTest : public ::testing::Test {
 protected:
  TorchScope scope_;
  Product::Scratch scratch_;
};

// ------------------------------------------------------------------------------------------- fp32

struct Maker {
  std::string name;
  std::unique_ptr<const Product> (*make)(const at::Tensor& weights);
};

class FloatProductTest : public ProductTest, public ::testing::WithParamInterface<Maker> {
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

// ------------------------------------------------------------------------------------------- int8

class Int8ProductTest : public ProductTest {
 protected:
  void SetUp() override {
    if (!why_no_int8().empty()) {
      GTEST_SKIP() << why_no_int8();
    }
    rounded_ = to_int8(weights_);
    product_ = int8_product(rounded_);
  }

  std::vector<float> multiply(const std::vector<float>& values, Product::Scratch& scratch) const {
    return values_of((*product_)(as_rows(values), scratch));
  }

  at::Tensor weights_ = weights_of(kOutputs, kInputs);
  at::Tensor rounded_;
  std::unique_ptr<const Product> product_;
};

TEST_F(Int8ProductTest, IsThatOfTheWeightsWithinTheRounding) {
  const at::Tensor dequantised = rounded_.dequantize();
  for (const std::size_t rows : {1U, 5U, 300U, 700U}) {
    SCOPED_TRACE(rows);
    const std::vector<float> values = inputs_of(rows);
    const simd::ConstRows x = as_rows(values);
    const auto [low, high] = simd::min_max(x);
    const double half_a_step = (high - low) / 127 / 2;
    const std::vector<float> found = multiply(values, scratch_);
    ASSERT_EQ(found.size(), rows * kOutputs);
    for (std::size_t i = 0; i < found.size(); ++i) {
      const std::size_t output = i % kOutputs;
      double weight_sum = 0;
      for (std::size_t k = 0; k < kInputs; ++k) {
        weight_sum += std::abs(weight(dequantised, output, k));
      }
      ASSERT_NEAR(found[i], expected(x, dequantised, i / kOutputs, output), half_a_step * weight_sum + 1e-4) << i;
    }
  }
}

TEST_F(Int8ProductTest, IsAsExactAsItsInputs) {
  // Multiples of the step, whatever that is, and sums at which 16 bits overflow.
  const at::Tensor largest = at::ones({3, static_cast<std::int64_t>(kInputs)}).mul_(weights_of(3, 1));
  const auto product = int8_product(to_int8(largest));
  for (const float constant : {5.0F, -5.0F, 1e-6F, 1e6F}) {
    const std::vector<float> values(20 * kStep, constant);
    const std::vector<float> found = values_of((*product)(as_rows(values), scratch_));
    for (std::size_t i = 0; i < found.size(); ++i) {
      const double exact = expected(as_rows(values), largest, i / 3, i % 3);
      ASSERT_NEAR(found[i], exact, 1e-5 * std::abs(exact)) << constant << ": " << i;
    }
  }
}

TEST_F(Int8ProductTest, OfZerosIsZero) {
  multiply(inputs_of(40), scratch_);
  const std::vector<float> zeros(33 * kStep);
  EXPECT_EQ(multiply(zeros, scratch_), std::vector<float>(33 * kOutputs));
}

TEST_F(Int8ProductTest, DoesNotDependOnWhatWasMultipliedBefore) {
  for (const std::size_t rows : {1U, 5U, 16U, 17U, 300U}) {
    const std::vector<float> values = inputs_of(rows);
    Product::Scratch fresh;
    const std::vector<float> first = multiply(values, fresh);
    EXPECT_EQ(multiply(values, fresh), first);
    multiply(inputs_of(700), scratch_);
    EXPECT_EQ(multiply(values, scratch_), first) << rows;
  }
}

TEST_F(Int8ProductTest, OfARowIsTheSameAmongAnyOthersOfItsRange) {
  std::vector<float> values = inputs_of(48);
  values[0] = -2.5F;
  values[1] = 2.5F;
  const std::vector<float> all = multiply(values, scratch_);
  for (const std::size_t rows : {1U, 15U, 16U, 17U, 33U}) {
    const std::vector<float> some(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(rows * kStep));
    const std::vector<float> found = multiply(some, scratch_);
    EXPECT_TRUE(std::equal(found.begin(), found.end(), all.begin())) << rows;
  }
}

TEST_F(Int8ProductTest, IsTheSameOnManyThreads) {
  std::vector<std::vector<float>> inputs;
  std::vector<std::vector<float>> alone;
  for (const std::size_t rows : {3U, 70U, 129U}) {
    inputs.push_back(inputs_of(rows));
    alone.push_back(multiply(inputs.back(), scratch_));
  }
  std::vector<int> differences(2);
  std::vector<std::thread> threads;
  for (int& count : differences) {
    threads.emplace_back([&] {
      const TorchScope scope;
      Product::Scratch scratch;
      for (std::size_t i = 0; i < 60; ++i) {
        count += multiply(inputs[i % 3], scratch) == alone[i % 3] ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(differences, std::vector<int>(2));
}

TEST_F(Int8ProductTest, RefusesInputsThatAreNotFinite) {
  for (const float fault : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()}) {
    std::vector<float> values = inputs_of(30);
    values[11 * kStep + 3] = fault;
    EXPECT_THROW(multiply(values, scratch_), c10::Error) << fault;
  }
}

}  // namespace
}  // namespace timbre::network
