#include "simd/processor.h"

#include <cstdint>

#if defined(__x86_64__) && defined(__linux__)
#define TIMBRE_X86_UNITS 1
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace timbre::simd {

namespace {

#ifdef TIMBRE_X86_UNITS

#define TIMBRE_AMX __attribute__((target("amx-tile")))

/// What LDTILECFG reads.
struct alignas(64) TileShapes {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
constexpr TileShapes kTileShapes;

TIMBRE_AMX void take_tiles() { _tile_loadconfig(&kTileShapes); }

TIMBRE_AMX void leave_tiles() { _tile_release(); }

/// Whether the system keeps these parts of the registers.
bool system_keeps(std::uint64_t parts) {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  // XGETBV of register 0, which compilers have only for those that ask for XSAVE.
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  const std::uint64_t kept = (std::uint64_t{high} << 32U) | low;
  return (kept & parts) == parts;
}

/// Linux gives a process tiles when it asks for them, for all of its threads from then on.
bool may_use_tiles() {
  constexpr long kRequestPermission = 0x1023;
  constexpr long kTileData = 18;
  return ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

Processor find_processor() {
  constexpr std::uint64_t kAvx = 0x6;
  constexpr std::uint64_t kAvx512 = 0xe6;
  constexpr std::uint64_t kTiles = 0x60000;
  constexpr unsigned kOsXsave = 1U << 27U;
  constexpr unsigned kAvx2 = 1U << 5U;
  constexpr unsigned kAvx512F = 1U << 16U;
  constexpr unsigned kAvx512Vnni = 1U << 11U;
  constexpr unsigned kAmxBf16 = 1U << 22U;
  constexpr unsigned kAmxTile = 1U << 24U;
  constexpr unsigned kAmxInt8 = 1U << 25U;
  constexpr unsigned kAvx512Bf16 = 1U << 5U;
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  Processor found;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & kOsXsave) || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return found;
  const bool avx512 = (b & kAvx512F) && system_keeps(kAvx512);
  const bool tiles = (d & kAmxTile) && system_keeps(kTiles) && may_use_tiles();
  found.avx2 = (b & kAvx2) && system_keeps(kAvx);
  found.avx512_vnni = avx512 && (c & kAvx512Vnni);
  found.amx_bf16 = tiles && (d & kAmxBf16);
  found.amx_int8 = tiles && (d & kAmxInt8);
  found.avx512_bf16 = avx512 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & kAvx512Bf16);
  return found;
}

#else

void take_tiles() {}
void leave_tiles() {}
Processor find_processor() { return {}; }

#endif

}  // namespace

const Processor& processor() {
  static const Processor found = find_processor();
  return found;
}

Tiles::Tiles(bool wanted) : held_(wanted) {
  if (held_) take_tiles();
}

Tiles::~Tiles() {
  if (held_) leave_tiles();
}

}  // namespace timbre::simd
