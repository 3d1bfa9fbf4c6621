#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "support/wiping.h"

namespace timbre {

/// The unit vector of a query, as blocks of vectors need it.
class Direction {
 public:
  explicit Direction(VoiceVector unit);

  const VoiceVector& unit() const { return unit_; }
  /// The unit vector over `step`, rounded.
  std::span<const std::int16_t> rounded() const { return rounded_; }
  float step() const { return step_; }
  /// Length of what was rounded away.
  float error() const { return error_; }

 private:
  VoiceVector unit_;
  std::vector<std::int16_t, WipingAllocator<std::int16_t>> rounded_;
  float step_;
  float error_;
};

/// Some rows of unit vectors, each with a key. Memory that held a vector is overwritten when the vector goes.
class VectorBlock {
 public:
  using Key = std::uint32_t;

  static constexpr std::size_t kRows = 256;

  virtual ~VectorBlock() = default;
  VectorBlock& operator=(const VectorBlock&) = delete;

  virtual std::shared_ptr<VectorBlock> copy() const = 0;
  virtual void put(std::size_t row, std::span<const float> unit) = 0;
  /// The row of a block of the same kind.
  virtual void put(std::size_t row, const VectorBlock& from, std::size_t of) = 0;
  virtual void wipe(std::size_t row) = 0;
  virtual VoiceVector get(std::size_t row) const = 0;

  /// Cosines of `count` rows from `first` on, and by how much each may be off where vectors are rounded.
  virtual void compare(const Direction& direction, std::size_t first, std::size_t count, float* cosines,
                       float* errors) const = 0;

  std::array<Key, kRows> keys{};

 protected:
  VectorBlock() = default;
  VectorBlock(const VectorBlock&) = default;
};

/// Rows of numbers, which lie one after the other.
template <typename Number>
class BlockOf : public VectorBlock {
 public:
  void wipe(std::size_t row) override { timbre::wipe(at(row)); }

 protected:
  explicit BlockOf(std::size_t dim) : dim_(dim), numbers_(kRows * dim) {}

  std::size_t dim() const { return dim_; }
  std::span<Number> at(std::size_t row) { return std::span(numbers_).subspan(row * dim_, dim_); }
  std::span<const Number> at(std::size_t row) const { return std::span(numbers_).subspan(row * dim_, dim_); }

 private:
  const std::size_t dim_;
  std::vector<Number, WipingAllocator<Number>> numbers_;
};

/// Vectors in single precision: 4 bytes a dimension. Errors are zero.
class FloatBlock final : public BlockOf<float> {
 public:
  explicit FloatBlock(std::size_t dim) : BlockOf(dim) {}

  std::shared_ptr<VectorBlock> copy() const override { return std::make_shared<FloatBlock>(*this); }
  void put(std::size_t row, std::span<const float> unit) override;
  void put(std::size_t row, const VectorBlock& from, std::size_t of) override;
  VoiceVector get(std::size_t row) const override;
  void compare(const Direction& direction, std::size_t first, std::size_t count, float* cosines,
               float* errors) const override;
};

/// Vectors whose numbers are rounded to multiples of a step of their own: a byte a dimension, and 8 for each vector.
///
/// With v = s c + e of a row, s its step and c its bytes, and q = t k + f of the query, the cosine q v differs from
/// s t (c k) by q e + f (s c), which is at most |e| + |f| (1 + |e|), since q and v are unit vectors.
class ByteBlock final : public BlockOf<std::int8_t> {
 public:
  explicit ByteBlock(std::size_t dim) : BlockOf(dim) {}

  std::shared_ptr<VectorBlock> copy() const override { return std::make_shared<ByteBlock>(*this); }
  void put(std::size_t row, std::span<const float> unit) override;
  void put(std::size_t row, const VectorBlock& from, std::size_t of) override;
  VoiceVector get(std::size_t row) const override;
  void compare(const Direction& direction, std::size_t first, std::size_t count, float* cosines,
               float* errors) const override;

 private:
  std::array<float, kRows> steps_{};
  std::array<float, kRows> errors_{};  ///< lengths of what was rounded away
};

}  // namespace timbre
