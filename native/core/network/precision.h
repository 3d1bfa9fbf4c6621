#pragma once

#include <string>

/// What a network's products multiply in on a processor, where its weights leave that open.
namespace timbre::network {

enum class Precision { fp32, bf16 };

/// Empty where this processor multiplies faster in bf16 than in fp32, else why not.
std::string why_no_bf16();

/// What multiplies in bf16 here: "amx", "avx512_bf16"; empty where nothing does it faster than in fp32.
std::string bf16_unit();

/// What layers compute in beside those of weights in int8.
Precision beside_int8();

}  // namespace timbre::network
