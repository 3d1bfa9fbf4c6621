#include "network/precision.h"

#include "simd/bf16_unit.h"

namespace timbre::network {

using simd::Bf16Unit;

std::string why_no_bf16() {
  return bf16_unit().empty() ? "bf16 is no faster on this processor, which has neither AMX nor AVX512-BF16" : "";
}

std::string bf16_unit() {
  switch (simd::bf16_units().front()) {
    case Bf16Unit::amx:
      return "amx";
    case Bf16Unit::avx512:
      return "avx512_bf16";
    case Bf16Unit::ordinary:
      break;
  }
  return "";
}

Precision beside_int8() { return bf16_unit().empty() ? Precision::fp32 : Precision::bf16; }

}  // namespace timbre::network
