#pragma once

#include <cstddef>
#include <vector>

#include "simd/bf16.h"
#include "simd/processor.h"

/// What multiplies bf16 into float sums, by kind of processor.
namespace timbre::simd {

enum class Bf16Unit {
  amx,      ///< tiles of AMX-BF16
  avx512,   ///< dot products of AVX512-BF16
  ordinary  ///< float products, on any processor: no faster than float
};

/// Those that this process may use, the fastest first.
const std::vector<Bf16Unit>& bf16_units();

/// A part of a product: sums of 16 or 32 rows and of 16 or 32 columns.
struct Bf16Block {
  static constexpr std::size_t kRows = 32;
  static constexpr std::size_t kColumns = 32;
  static constexpr std::size_t kHalf = 16;
  /// Inputs that are multiplied at a time: a step of the depth.
  static constexpr std::size_t kDepth = 32;
  /// Inputs of a column that lie side by side.
  static constexpr std::size_t kTogether = 2;

  const Bf16* left;               ///< of the first row
  std::size_t left_step;          ///< values from one row to the next
  const std::ptrdiff_t* offsets;  ///< where a row's inputs of each step begin
  std::size_t steps;
  /// Of each step, for each 16 columns: 16 rows, of two inputs of each of the columns.
  const Bf16* right;
  float* sums;  ///< [32, 32]
  /// What is read after this block, brought nearer meanwhile: so many lines of the cache with each step.
  const Bf16* ahead;
  std::size_t lines;
  std::size_t rows;  ///< up to 32; those up to the next 16 may be read, and their sums written
  bool all_columns;
  bool goes_on;  ///< adds to the sums instead of beginning them
};

/// Multiplies blocks on a unit, from the one thread that holds it.
class Bf16Multiplier {
 public:
  explicit Bf16Multiplier(Bf16Unit unit);

  void operator()(const Bf16Block& block) const { multiply_(block); }

 private:
  Tiles tiles_;
  void (*multiply_)(const Bf16Block& block);
};

}  // namespace timbre::simd
