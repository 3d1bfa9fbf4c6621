#include "simd/bf16_unit.h"

#include <cstdint>
#include <cstring>

#if defined(__x86_64__) && defined(__linux__)
#define TIMBRE_BF16_UNITS 1
#include <immintrin.h>
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/bf16_unit.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "simd/loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace timbre::simd::HWY_NAMESPACE {

/// One row of sums, of so many columns from one of 16 on.
HWY_INLINE void add_products(const Bf16Block& block, std::size_t row, std::size_t half) {
  const hn::CappedTag<float, Bf16Block::kHalf> d;
  const hn::Rebind<std::uint32_t, decltype(d)> bits;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t halves = block.all_columns ? 2 : 1;
  for (std::size_t c = 0; c < Bf16Block::kHalf; c += lanes) {
    float* to = block.sums + row * Bf16Block::kColumns + half * Bf16Block::kHalf + c;
    auto sum = block.goes_on ? hn::LoadU(d, to) : hn::Zero(d);
    for (std::size_t s = 0; s < block.steps; ++s) {
      const Bf16* left = block.left + row * block.left_step + block.offsets[s];
      const Bf16* right = block.right + (s * halves + half) * Bf16Block::kHalf * Bf16Block::kDepth + 2 * c;
      for (std::size_t i = 0; i < Bf16Block::kDepth; i += 2, right += 2 * Bf16Block::kHalf) {
        // Both inputs of a column in one word, the first in its lower half.
        const auto pair = hn::LoadU(bits, reinterpret_cast<const std::uint32_t*>(right));
        const auto first = hn::BitCast(d, hn::ShiftLeft<16>(pair));
        const auto second = hn::BitCast(d, hn::And(pair, hn::Set(bits, 0xffff0000U)));
        sum = hn::MulAdd(hn::Set(d, to_float(left[i])), first, sum);
        sum = hn::MulAdd(hn::Set(d, to_float(left[i + 1])), second, sum);
      }
    }
    hn::StoreU(sum, d, to);
  }
}

void multiply_ordinarily(const Bf16Block& block) {
  for (std::size_t row = 0; row < block.rows; ++row) {
    add_products(block, row, 0);
    if (block.all_columns) add_products(block, row, 1);
  }
}

}  // namespace timbre::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace timbre::simd {

HWY_EXPORT(multiply_ordinarily);

namespace {

constexpr std::size_t kColumns = Bf16Block::kColumns;
constexpr std::size_t kHalf = Bf16Block::kHalf;
constexpr std::size_t kDepth = Bf16Block::kDepth;

void multiply_ordinarily(const Bf16Block& block) { HWY_DYNAMIC_DISPATCH(multiply_ordinarily)(block); }

#ifdef TIMBRE_BF16_UNITS

// ------------------------------------------------------------------------------------------------------ AMX

// Tiles 0 to 3 hold sums, 4 and 5 rows, 6 and 7 columns: as many loads as products. Their numbers have to be literals.
#define TIMBRE_AMX __attribute__((target("amx-tile,amx-bf16")))

/// Rows of `right`.
constexpr std::size_t kPairsBytes = 2 * kHalf * sizeof(Bf16);
constexpr std::size_t kLine = 64 / sizeof(Bf16);
constexpr std::size_t kSumsBytes = kColumns * sizeof(float);

template <bool AllRows, bool AllColumns>
TIMBRE_AMX void multiply_tiles(const Bf16Block& block) {
  const std::size_t left_bytes = block.left_step * sizeof(Bf16);
  const Bf16* const upper = block.left;
  const Bf16* const lower = block.left + kHalf * block.left_step;
  float* const sums = block.sums;
  float* const lower_sums = block.sums + kHalf * kColumns;
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
  const Bf16* right = block.right;
  const Bf16* ahead = block.ahead;
  for (std::size_t s = 0; s < block.steps; ++s) {
    const std::ptrdiff_t offset = block.offsets[s];
    for (std::size_t line = 0; line < block.lines; ++line, ahead += kLine) __builtin_prefetch(ahead, 0, 2);
    _tile_loadd(4, upper + offset, left_bytes);
    _tile_loadd(6, right, kPairsBytes);
    _tile_dpbf16ps(0, 4, 6);
    right += kHalf * kDepth;
    if constexpr (AllColumns) {
      _tile_loadd(7, right, kPairsBytes);
      _tile_dpbf16ps(1, 4, 7);
      right += kHalf * kDepth;
    }
    if constexpr (AllRows) {
      _tile_loadd(5, lower + offset, left_bytes);
      _tile_dpbf16ps(2, 5, 6);
    }
    if constexpr (AllRows && AllColumns) _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, sums, kSumsBytes);
  if constexpr (AllColumns) _tile_stored(1, sums + kHalf, kSumsBytes);
  if constexpr (AllRows) _tile_stored(2, lower_sums, kSumsBytes);
  if constexpr (AllRows && AllColumns) _tile_stored(3, lower_sums + kHalf, kSumsBytes);
}

void multiply_amx(const Bf16Block& block) {
  if (block.rows > kHalf) {
    block.all_columns ? multiply_tiles<true, true>(block) : multiply_tiles<true, false>(block);
  } else {
    block.all_columns ? multiply_tiles<false, true>(block) : multiply_tiles<false, false>(block);
  }
}

// ------------------------------------------------------------------------------------------------------ AVX512-BF16

#define TIMBRE_AVX512_BF16 __attribute__((target("avx512f,avx512bf16")))

/// Sums of `Count` rows from this one on, which stay in registers.
template <std::size_t Count, std::size_t Halves>
TIMBRE_AVX512_BF16 void dot_rows(const Bf16Block& block, std::size_t row) {
  __m512 sums[Count][Halves];
  float* const to = block.sums + row * kColumns;
#pragma GCC unroll 8
  for (std::size_t r = 0; r < Count; ++r) {
#pragma GCC unroll 2
    for (std::size_t h = 0; h < Halves; ++h) {
      sums[r][h] = block.goes_on ? _mm512_loadu_ps(to + r * kColumns + h * kHalf) : _mm512_setzero_ps();
    }
  }
  const Bf16* right = block.right;
  for (std::size_t s = 0; s < block.steps; ++s, right += Halves * kHalf * kDepth) {
    const Bf16* left = block.left + row * block.left_step + block.offsets[s];
    for (std::size_t i = 0; i < kDepth; i += 2) {
      __m512bh columns[Halves];
#pragma GCC unroll 2
      for (std::size_t h = 0; h < Halves; ++h) {
        columns[h] = reinterpret_cast<__m512bh>(_mm512_loadu_si512(right + h * kHalf * kDepth + i * kHalf));
      }
#pragma GCC unroll 8
      for (std::size_t r = 0; r < Count; ++r) {
        std::int32_t pair = 0;
        std::memcpy(&pair, left + r * block.left_step + i, sizeof pair);
        const auto both = reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
#pragma GCC unroll 2
        for (std::size_t h = 0; h < Halves; ++h) sums[r][h] = _mm512_dpbf16_ps(sums[r][h], both, columns[h]);
      }
    }
  }
#pragma GCC unroll 8
  for (std::size_t r = 0; r < Count; ++r) {
#pragma GCC unroll 2
    for (std::size_t h = 0; h < Halves; ++h) _mm512_storeu_ps(to + r * kColumns + h * kHalf, sums[r][h]);
  }
}

template <std::size_t Halves>
void dot_all_rows(const Bf16Block& block) {
  std::size_t row = 0;
  for (; row + 8 <= block.rows; row += 8) dot_rows<8, Halves>(block, row);
  for (; row + 4 <= block.rows; row += 4) dot_rows<4, Halves>(block, row);
  for (; row < block.rows; ++row) dot_rows<1, Halves>(block, row);
}

void multiply_avx512(const Bf16Block& block) { block.all_columns ? dot_all_rows<2>(block) : dot_all_rows<1>(block); }

#endif

std::vector<Bf16Unit> find_units() {
  std::vector<Bf16Unit> units;
  if (processor().amx_bf16) units.push_back(Bf16Unit::amx);
  if (processor().avx512_bf16) units.push_back(Bf16Unit::avx512);
  units.push_back(Bf16Unit::ordinary);
  return units;
}

}  // namespace

const std::vector<Bf16Unit>& bf16_units() {
  static const std::vector<Bf16Unit> units = find_units();
  return units;
}

Bf16Multiplier::Bf16Multiplier(Bf16Unit unit) : tiles_(unit == Bf16Unit::amx), multiply_(multiply_ordinarily) {
#ifdef TIMBRE_BF16_UNITS
  if (unit == Bf16Unit::amx) multiply_ = multiply_amx;
  if (unit == Bf16Unit::avx512) multiply_ = multiply_avx512;
#endif
}

}  // namespace timbre::simd
#endif
