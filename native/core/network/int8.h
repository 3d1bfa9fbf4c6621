#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>

#include "simd/int8_matrix.h"

/// Networks whose large layers multiply in int8: weights with a scale of their own for every output, activations with
/// one for every frame.
namespace timbre::network {

/// Whether a layer's weights, by the name of the tensor, may be int8: the wide ones that run over every frame. The
/// first layer, the attention's last, squeeze-excitation and the embedding are small or lose accuracy, and stay as they
/// are.
bool bears_int8(std::string_view tensor);

/// float32[out, in] -> qint8, a scale for each row.
at::Tensor to_int8(const at::Tensor& weights);

/// weights: qint8[outputs, inputs] as of to_int8(), for the fastest of this processor's units. Throws what LibTorch
/// throws.
simd::Int8Matrix int8_matrix(const at::Tensor& weights);

/// Empty where this processor multiplies faster in int8, else why not.
std::string why_no_int8();

}  // namespace timbre::network
