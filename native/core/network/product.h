#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <memory>

#include "simd/aligned.h"
#include "simd/rows.h"

namespace timbre::network {

/// A matrix product by weights that were laid out for it once. Immutable: any thread may multiply.
class Product {
 public:
  /// What a product needs while it runs and leaves its result in; one for each thread.
  struct Scratch {
    simd::AlignedFloats values;
  };

  virtual ~Product() = default;

  std::size_t inputs() const { return inputs_; }
  std::size_t outputs() const { return outputs_; }

  /// x [rows, inputs] times the weights -> [rows, outputs] in `scratch`, until its next product. Throws what LibTorch
  /// throws.
  virtual simd::Rows operator()(simd::ConstRows x, Scratch& scratch) const = 0;

 protected:
  explicit Product(const at::Tensor& weights);

 private:
  std::size_t inputs_ = 0;
  std::size_t outputs_ = 0;
};

/// weights: float32[outputs, inputs]. Throws where they are no matrix, or an empty one.
std::unique_ptr<const Product> float_product(const at::Tensor& weights);

/// What float_product() gives where LibTorch brings no MKL along.
std::unique_ptr<const Product> plain_product(const at::Tensor& weights);

}  // namespace timbre::network
