#include "bundle/digest.h"

#include <gtest/gtest.h>

#include <array>
#include <span>

namespace timbre::bundle {
namespace {

const std::array<float, 4> kWeight = {1.0F, -2.0F, 0.5F, 0.0F};
const std::array<std::int64_t, 1> kCount = {7};

TensorBytes weight() { return {"layer.weight", "float32", {2, 2}, std::as_bytes(std::span(kWeight))}; }
TensorBytes count() { return {"count", "int64", {}, std::as_bytes(std::span(kCount))}; }

TEST(WeightsDigest, IsXxh3OfNamesTypesShapesAndBytes) {
  EXPECT_EQ(weights_digest({}), "99aa06d3014798d86001c324468d497f");  // XXH3-128 of nothing
  EXPECT_EQ(weights_digest({weight(), count()}), "b896b4d99df6e42e26be640620f2441a");
}

TEST(WeightsDigest, DoesNotDependOnTheOrderGiven) {
  EXPECT_EQ(weights_digest({weight(), count()}), weights_digest({count(), weight()}));
}

TEST(WeightsDigest, ChangesWithOneBitOfAnyTensor) {
  auto values = kWeight;
  auto* bytes = reinterpret_cast<unsigned char*>(values.data());
  for (std::size_t bit = 0; bit < 8 * sizeof(values); ++bit) {
    bytes[bit / 8] ^= static_cast<unsigned char>(1U << (bit % 8));
    TensorBytes changed = weight();
    changed.bytes = std::as_bytes(std::span(values));
    EXPECT_NE(weights_digest({changed}), weights_digest({weight()})) << "bit " << bit;
    bytes[bit / 8] ^= static_cast<unsigned char>(1U << (bit % 8));
  }
}

TEST(WeightsDigest, ChangesWithNameTypeAndShape) {
  const std::string digest = weights_digest({weight()});
  TensorBytes renamed = weight();
  renamed.name = "layer.bias";
  EXPECT_NE(weights_digest({renamed}), digest);
  TensorBytes retyped = weight();
  retyped.dtype = "int32";
  EXPECT_NE(weights_digest({retyped}), digest);
  TensorBytes reshaped = weight();
  reshaped.shape = {4, 1};
  EXPECT_NE(weights_digest({reshaped}), digest);
}

}  // namespace
}  // namespace timbre::bundle
