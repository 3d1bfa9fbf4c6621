#include "scoring/cosine.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace timbre {

double cosine(std::span<const float> a, std::span<const float> b) {
  double dot = 0;
  double norm_a = 0;
  double norm_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i];
    const double y = b[i];
    dot += x * y;
    norm_a += x * x;
    norm_b += y * y;
  }
  if (norm_a == 0 || norm_b == 0) return 0;
  return std::clamp(dot / std::sqrt(norm_a * norm_b), -1.0, 1.0);
}

}  // namespace timbre
