#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "simd/processor.h"

/// What multiplies bytes into sums of 32 bits, by kind of processor. Sums are exact, hence the same on every unit.
namespace timbre::simd {

enum class Int8Unit {
  amx,      ///< tiles of AMX-INT8
  avx512,   ///< dot products of AVX512-VNNI
  avx2,     ///< products of AVX2, two of which are added in 16 bits
  ordinary  ///< on any processor: slower than float products
};

/// Those that this process may use, the fastest first.
const std::vector<Int8Unit>& int8_units();

/// The largest input that a unit multiplies exactly by any weight.
std::int32_t largest_input(Int8Unit unit);

/// A part of a product: sums of 16 or 32 rows and of 16 or 32 columns.
struct Int8Block {
  static constexpr std::size_t kRows = 32;
  static constexpr std::size_t kColumns = 32;
  static constexpr std::size_t kHalf = 16;
  /// Inputs that are multiplied at a time: a step of the depth.
  static constexpr std::size_t kDepth = 64;
  /// Inputs of a column that lie side by side.
  static constexpr std::size_t kTogether = 4;

  const std::uint8_t* left;  ///< of the first row
  std::size_t left_step;     ///< bytes from one row to the next
  std::size_t steps;
  /// Of each step, for each 16 columns: 16 rows, of four inputs of each of the columns.
  const std::int8_t* right;
  std::int32_t* sums;  ///< [32, 32]
  /// What is read after this block, brought nearer meanwhile: so many lines of the cache with each step.
  const std::int8_t* ahead;
  std::size_t lines;
  std::size_t rows;  ///< up to 32; those up to the next 16 may be read, and their sums written
  bool all_columns;
  bool goes_on;  ///< adds to the sums instead of beginning them
};

/// Multiplies blocks on a unit, from the one thread that holds it.
class Int8Multiplier {
 public:
  explicit Int8Multiplier(Int8Unit unit);

  void operator()(const Int8Block& block) const { multiply_(block); }

 private:
  Tiles tiles_;
  void (*multiply_)(const Int8Block& block);
};

}  // namespace timbre::simd
