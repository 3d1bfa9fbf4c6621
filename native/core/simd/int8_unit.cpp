#include "simd/int8_unit.h"

#include <algorithm>
#include <cstring>

#if defined(__x86_64__) && defined(__linux__)
#define TIMBRE_INT8_UNITS 1
#include <immintrin.h>
#endif

namespace timbre::simd {

namespace {

constexpr std::size_t kColumns = Int8Block::kColumns;
constexpr std::size_t kHalf = Int8Block::kHalf;
constexpr std::size_t kDepth = Int8Block::kDepth;
constexpr std::size_t kTogether = Int8Block::kTogether;
/// Weights of a step for 16 columns.
constexpr std::size_t kHalfStep = kHalf * kDepth;

void multiply_ordinarily(const Int8Block& block) {
  const std::size_t halves = block.all_columns ? 2 : 1;
  for (std::size_t row = 0; row < block.rows; ++row) {
    for (std::size_t half = 0; half < halves; ++half) {
      std::int32_t* const sums = block.sums + row * kColumns + half * kHalf;
      if (!block.goes_on) std::fill_n(sums, kHalf, 0);
      for (std::size_t s = 0; s < block.steps; ++s) {
        const std::uint8_t* left = block.left + row * block.left_step + s * kDepth;
        const std::int8_t* right = block.right + (s * halves + half) * kHalfStep;
        for (std::size_t i = 0; i < kDepth; i += kTogether, right += kHalf * kTogether) {
          for (std::size_t c = 0; c < kHalf; ++c) {
            for (std::size_t k = 0; k < kTogether; ++k) sums[c] += left[i + k] * right[c * kTogether + k];
          }
        }
      }
    }
  }
}

#ifdef TIMBRE_INT8_UNITS

// ------------------------------------------------------------------------------------------------------ AMX

// Tiles 0 to 3 hold sums, 4 and 5 rows, 6 and 7 columns, as for bf16. Their numbers have to be literals.
#define TIMBRE_AMX __attribute__((target("amx-tile,amx-int8")))

constexpr std::size_t kLine = 64;
/// Rows of `right`.
constexpr std::size_t kRowBytes = kHalf * kTogether;
constexpr std::size_t kSumsBytes = kColumns * sizeof(std::int32_t);

template <bool AllRows, bool AllColumns>
TIMBRE_AMX void multiply_tiles(const Int8Block& block) {
  const std::uint8_t* upper = block.left;
  const std::uint8_t* lower = block.left + kHalf * block.left_step;
  std::int32_t* const sums = block.sums;
  std::int32_t* const lower_sums = block.sums + kHalf * kColumns;
  if (block.goes_on) {
    _tile_loadd(0, sums, kSumsBytes);
    if constexpr (AllColumns) _tile_loadd(1, sums + kHalf, kSumsBytes);
    if constexpr (AllRows) _tile_loadd(2, lower_sums, kSumsBytes);
    if constexpr (AllRows && AllColumns) _tile_loadd(3, lower_sums + kHalf, kSumsBytes);
  } else {
    _tile_zero(0);
    if constexpr (AllColumns) _tile_zero(1);
    if constexpr (AllRows) _tile_zero(2);
    if constexpr (AllRows && AllColumns) _tile_zero(3);
  }
  const std::int8_t* right = block.right;
  const std::int8_t* ahead = block.ahead;
  for (std::size_t s = 0; s < block.steps; ++s, upper += kDepth, lower += kDepth) {
    for (std::size_t line = 0; line < block.lines; ++line, ahead += kLine) __builtin_prefetch(ahead, 0, 2);
    _tile_loadd(4, upper, block.left_step);
    _tile_loadd(6, right, kRowBytes);
    _tile_dpbusd(0, 4, 6);
    right += kHalfStep;
    if constexpr (AllColumns) {
      _tile_loadd(7, right, kRowBytes);
      _tile_dpbusd(1, 4, 7);
      right += kHalfStep;
    }
    if constexpr (AllRows) {
      _tile_loadd(5, lower, block.left_step);
      _tile_dpbusd(2, 5, 6);
    }
    if constexpr (AllRows && AllColumns) _tile_dpbusd(3, 5, 7);
  }
  _tile_stored(0, sums, kSumsBytes);
  if constexpr (AllColumns) _tile_stored(1, sums + kHalf, kSumsBytes);
  if constexpr (AllRows) _tile_stored(2, lower_sums, kSumsBytes);
  if constexpr (AllRows && AllColumns) _tile_stored(3, lower_sums + kHalf, kSumsBytes);
}

void multiply_amx(const Int8Block& block) {
  if (block.rows > kHalf) {
    block.all_columns ? multiply_tiles<true, true>(block) : multiply_tiles<true, false>(block);
  } else {
    block.all_columns ? multiply_tiles<false, true>(block) : multiply_tiles<false, false>(block);
  }
}

/// Four inputs of a row, as one word.
inline std::int32_t four(const std::uint8_t* from) {
  std::int32_t word = 0;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// ------------------------------------------------------------------------------------------------------ AVX512-VNNI

#define TIMBRE_AVX512_VNNI __attribute__((target("avx512f,avx512vnni")))

/// Sums of `Count` rows from this one on, which stay in registers.
template <std::size_t Count, std::size_t Halves>
TIMBRE_AVX512_VNNI void dot_rows(const Int8Block& block, std::size_t row) {
  __m512i sums[Count][Halves];
  std::int32_t* const to = block.sums + row * kColumns;
#pragma GCC unroll 16
  for (std::size_t r = 0; r < Count; ++r) {
#pragma GCC unroll 2
    for (std::size_t h = 0; h < Halves; ++h) {
      sums[r][h] = block.goes_on ? _mm512_loadu_si512(to + r * kColumns + h * kHalf) : _mm512_setzero_si512();
    }
  }
  const std::int8_t* right = block.right;
  const std::uint8_t* left = block.left + row * block.left_step;
  for (std::size_t s = 0; s < block.steps; ++s, right += Halves * kHalfStep, left += kDepth) {
    for (std::size_t i = 0; i < kDepth; i += kTogether) {
      __m512i columns[Halves];
#pragma GCC unroll 2
      for (std::size_t h = 0; h < Halves; ++h) {
        columns[h] = _mm512_loadu_si512(right + h * kHalfStep + i * kHalf);
      }
#pragma GCC unroll 16
      for (std::size_t r = 0; r < Count; ++r) {
        const __m512i inputs = _mm512_set1_epi32(four(left + r * block.left_step + i));
#pragma GCC unroll 2
        for (std::size_t h = 0; h < Halves; ++h) sums[r][h] = _mm512_dpbusd_epi32(sums[r][h], inputs, columns[h]);
      }
    }
  }
#pragma GCC unroll 16
  for (std::size_t r = 0; r < Count; ++r) {
#pragma GCC unroll 2
    for (std::size_t h = 0; h < Halves; ++h) _mm512_storeu_si512(to + r * kColumns + h * kHalf, sums[r][h]);
  }
}

template <std::size_t Halves>
void dot_all_rows(const Int8Block& block) {
  std::size_t row = 0;
  for (; row + 8 <= block.rows; row += 8) dot_rows<8, Halves>(block, row);
  for (; row + 4 <= block.rows; row += 4) dot_rows<4, Halves>(block, row);
  for (; row < block.rows; ++row) dot_rows<1, Halves>(block, row);
}

void multiply_avx512(const Int8Block& block) { block.all_columns ? dot_all_rows<2>(block) : dot_all_rows<1>(block); }

// ------------------------------------------------------------------------------------------------------ AVX2

#define TIMBRE_AVX2 __attribute__((target("avx2")))

constexpr std::size_t kLanes = sizeof(__m256i) / sizeof(std::int32_t);
constexpr std::size_t kVectors = kHalf / kLanes;

/// Sums of `Count` rows from this one on and of 16 columns.
template <std::size_t Count>
TIMBRE_AVX2 void multiply_rows(const Int8Block& block, std::size_t row, std::size_t half) {
  const std::size_t halves = block.all_columns ? 2 : 1;
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i sums[Count][kVectors];
  std::int32_t* const to = block.sums + row * kColumns + half * kHalf;
  const auto at = [to](std::size_t r, std::size_t v) {
    return reinterpret_cast<__m256i*>(to + r * kColumns + v * kLanes);
  };
#pragma GCC unroll 4
  for (std::size_t r = 0; r < Count; ++r) {
#pragma GCC unroll 2
    for (std::size_t v = 0; v < kVectors; ++v) {
      sums[r][v] = block.goes_on ? _mm256_loadu_si256(at(r, v)) : _mm256_setzero_si256();
    }
  }
  const std::int8_t* right = block.right + half * kHalfStep;
  const std::uint8_t* left = block.left + row * block.left_step;
  for (std::size_t s = 0; s < block.steps; ++s, right += halves * kHalfStep, left += kDepth) {
    for (std::size_t i = 0; i < kDepth; i += kTogether) {
      const auto* columns = reinterpret_cast<const __m256i*>(right + i * kHalf);
#pragma GCC unroll 4
      for (std::size_t r = 0; r < Count; ++r) {
        const __m256i inputs = _mm256_set1_epi32(four(left + r * block.left_step + i));
#pragma GCC unroll 2
        for (std::size_t v = 0; v < kVectors; ++v) {
          const __m256i pairs = _mm256_maddubs_epi16(inputs, _mm256_loadu_si256(columns + v));
          sums[r][v] = _mm256_add_epi32(sums[r][v], _mm256_madd_epi16(pairs, ones));
        }
      }
    }
  }
#pragma GCC unroll 4
  for (std::size_t r = 0; r < Count; ++r) {
#pragma GCC unroll 2
    for (std::size_t v = 0; v < kVectors; ++v) _mm256_storeu_si256(at(r, v), sums[r][v]);
  }
}

void multiply_avx2(const Int8Block& block) {
  for (std::size_t half = 0; half < (block.all_columns ? 2 : 1); ++half) {
    std::size_t row = 0;
    for (; row + 4 <= block.rows; row += 4) multiply_rows<4>(block, row, half);
    for (; row < block.rows; ++row) multiply_rows<1>(block, row, half);
  }
}

#endif

std::vector<Int8Unit> find_units() {
  std::vector<Int8Unit> units;
  if (processor().amx_int8) units.push_back(Int8Unit::amx);
  if (processor().avx512_vnni) units.push_back(Int8Unit::avx512);
  if (processor().avx2) units.push_back(Int8Unit::avx2);
  units.push_back(Int8Unit::ordinary);
  return units;
}

}  // namespace

const std::vector<Int8Unit>& int8_units() {
  static const std::vector<Int8Unit> units = find_units();
  return units;
}

std::int32_t largest_input(Int8Unit unit) {
  constexpr std::int32_t kByte = 255;
  // Two products of seven bits by eight fit into 16.
  constexpr std::int32_t kSevenBits = 127;
  return unit == Int8Unit::avx2 ? kSevenBits : kByte;
}

Int8Multiplier::Int8Multiplier(Int8Unit unit) : tiles_(unit == Int8Unit::amx), multiply_(multiply_ordinarily) {
#ifdef TIMBRE_INT8_UNITS
  if (unit == Int8Unit::amx) multiply_ = multiply_amx;
  if (unit == Int8Unit::avx512) multiply_ = multiply_avx512;
  if (unit == Int8Unit::avx2) multiply_ = multiply_avx2;
#endif
}

}  // namespace timbre::simd
