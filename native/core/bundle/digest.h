#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace timbre::bundle {

/// One tensor as the digest sees it. `bytes` are its elements in row-major order, little-endian, and not owned.
struct TensorBytes {
  std::string name;   ///< "blocks.0.enter.linear.weight"
  std::string dtype;  ///< PyTorch's name: "float32", "int64"
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

/// What tells one set of weights from another: XXH3-128 over every parameter and buffer, in the order of their names,
/// as 32 hexadecimal digits, the most significant first.
///
/// For each tensor: name, 0, dtype, 0, shape ("192x6144", empty for a scalar), 0, bytes.
std::string weights_digest(std::vector<TensorBytes> tensors);

}  // namespace timbre::bundle
