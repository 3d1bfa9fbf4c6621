#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "model/rows.h"

namespace timbre {

/// A matrix product by weights that were laid out for it once. Immutable: any thread may multiply.
class Product {
 public:
  /// What a product needs while it runs and leaves its result in; one for each thread.
  struct Scratch {
    std::vector<float> values;
    at::Tensor bytes;
    at::Tensor result;
  };

  virtual ~Product() = default;

  std::size_t inputs() const { return inputs_; }
  std::size_t outputs() const { return outputs_; }

  /// x [rows, inputs] times the weights -> [rows, outputs] in `scratch`, until its next product. Throws what LibTorch
  /// throws.
  virtual Rows operator()(ConstRows x, Scratch& scratch) const = 0;

 protected:
  explicit Product(const at::Tensor& weights)
      : inputs_(static_cast<std::size_t>(weights.size(1))), outputs_(static_cast<std::size_t>(weights.size(0))) {}

 private:
  std::size_t inputs_;
  std::size_t outputs_;
};

/// weights: float32[outputs, inputs].
std::unique_ptr<const Product> float_product(const at::Tensor& weights);

/// weights: qint8[outputs, inputs] as of to_int8(). Inputs are rounded to 8 bits (7 where the processor's products
/// would overflow) on a scale of their own in every call.
std::unique_ptr<const Product> int8_product(const at::Tensor& weights);

}  // namespace timbre
