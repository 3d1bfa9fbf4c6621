#pragma once

#include <span>

namespace timbre {

/// Cosine similarity in [-1, 1], accumulated in double; 0 when either vector is zero. Both of the same length.
double cosine(std::span<const float> a, std::span<const float> b);

}  // namespace timbre
