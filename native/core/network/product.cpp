#include "network/product.h"

#include <ATen/Functions.h>

/// MKL's products by a packed matrix, which LibTorch brings along where it was built with MKL; null elsewhere.
extern "C" {
using MklInt = int;
[[gnu::weak]] std::size_t cblas_sgemm_pack_get_size(int packed, MklInt m, MklInt n, MklInt k);
[[gnu::weak]] void cblas_sgemm_pack(int layout, int packed, int transposed, MklInt m, MklInt n, MklInt k, float alpha,
                                    const float* from, MklInt from_step, float* to);
[[gnu::weak]] void cblas_sgemm_compute(int layout, int a_form, int b_form, MklInt m, MklInt n, MklInt k, const float* a,
                                       MklInt a_step, const float* b, MklInt b_step, float beta, float* c,
                                       MklInt c_step);
}

namespace timbre::network {

namespace {

at::Tensor wrap(simd::ConstRows x) {
  // from_blob takes no const; nothing writes to an input.
  return at::from_blob(const_cast<float*>(x.data),
                       {static_cast<std::int64_t>(x.count), static_cast<std::int64_t>(x.width)},
                       {static_cast<std::int64_t>(x.step), 1}, at::kFloat);
}

simd::Rows result_of(Product::Scratch& scratch, std::size_t rows, std::size_t width) {
  if (scratch.values.size() < rows * width) {
    scratch.values.resize(rows * width);
  }
  return {scratch.values.data(), rows, width, width};
}

class FloatProduct : public Product {
 public:
  explicit FloatProduct(const at::Tensor& weights) : Product(weights), weights_(weights.t()) {}

  simd::Rows operator()(simd::ConstRows x, Scratch& scratch) const override {
    const simd::Rows result = result_of(scratch, x.count, outputs());
    at::Tensor out = wrap(result);
    at::mm_out(out, wrap(x), weights_);
    return result;
  }

 private:
  at::Tensor weights_;  ///< [inputs, outputs]
};

class PackedFloatProduct : public Product {
 public:
  static bool possible() { return cblas_sgemm_pack_get_size != nullptr && cblas_sgemm_pack && cblas_sgemm_compute; }

  explicit PackedFloatProduct(const at::Tensor& weights) : Product(weights) {
    const auto n = static_cast<MklInt>(outputs());
    const auto k = static_cast<MklInt>(inputs());
    const at::Tensor dense = weights.contiguous();
    packed_ = at::empty({static_cast<std::int64_t>(cblas_sgemm_pack_get_size(kB, kUsualRows, n, k))}, at::kByte);
    cblas_sgemm_pack(kRowMajor, kB, kTransposed, kUsualRows, n, k, 1, dense.const_data_ptr<float>(), k, packed());
  }

  simd::Rows operator()(simd::ConstRows x, Scratch& scratch) const override {
    const simd::Rows result = result_of(scratch, x.count, outputs());
    const auto n = static_cast<MklInt>(outputs());
    const auto k = static_cast<MklInt>(inputs());
    cblas_sgemm_compute(kRowMajor, kPlain, kPacked, static_cast<MklInt>(x.count), n, k, x.data,
                        static_cast<MklInt>(x.step), packed(), k, 0, result.data, n);
    return result;
  }

 private:
  static constexpr MklInt kUsualRows = 300;
  // CBLAS_LAYOUT, CBLAS_TRANSPOSE, CBLAS_IDENTIFIER and CBLAS_STORAGE of mkl_cblas.h.
  static constexpr int kRowMajor = 101;
  static constexpr int kPlain = 111;
  static constexpr int kTransposed = 112;
  static constexpr int kPacked = 151;
  static constexpr int kB = 162;

  float* packed() const { return static_cast<float*>(packed_.data_ptr()); }

  at::Tensor packed_;
};

}  // namespace

Product::Product(const at::Tensor& weights) {
  TORCH_CHECK(weights.dim() == 2 && weights.numel() > 0, "weights of the shape ", weights.sizes());
  inputs_ = static_cast<std::size_t>(weights.size(1));
  outputs_ = static_cast<std::size_t>(weights.size(0));
}

std::unique_ptr<const Product> float_product(const at::Tensor& weights) {
  if (PackedFloatProduct::possible()) {
    return std::make_unique<PackedFloatProduct>(weights);
  }
  return plain_product(weights);
}

std::unique_ptr<const Product> plain_product(const at::Tensor& weights) {
  return std::make_unique<FloatProduct>(weights);
}

}  // namespace timbre::network
