#pragma once

#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include "conversation/linkage.h"
#include "support/matrix.h"

namespace timbre::conversation::testing {

/// Unit vectors about axes: `counts[k]` of them about axis k, with a normal deviation in every dimension, those of axis
/// 0 first.
inline Matrix about_axes(const std::vector<std::size_t>& counts, double deviation, std::size_t dim, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal(0, deviation);
  Matrix unit;
  unit.cols = dim;
  for (std::size_t k = 0; k < counts.size(); ++k) {
    for (std::size_t i = 0; i < counts[k]; ++i) {
      std::vector<float> row(dim);
      for (std::size_t d = 0; d < dim; ++d) row[d] = static_cast<float>((d == k ? 1 : 0) + normal(generator));
      normalise(row);
      unit.values.insert(unit.values.end(), row.begin(), row.end());
      ++unit.rows;
    }
  }
  return unit;
}

/// Unit vectors of the plane by their angles in degrees.
inline Matrix at_angles(const std::vector<double>& degrees) {
  Matrix unit(degrees.size(), 2);
  for (std::size_t i = 0; i < degrees.size(); ++i) {
    const double angle = degrees[i] * std::acos(-1.0) / 180;
    unit.row(i)[0] = static_cast<float>(std::cos(angle));
    unit.row(i)[1] = static_cast<float>(std::sin(angle));
  }
  return unit;
}

}  // namespace timbre::conversation::testing
