#include "conversation/linkage.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "simd/vectors.h"

namespace timbre::conversation {

namespace {

constexpr float kNone = -std::numeric_limits<float>::infinity();

/// The nearest cluster of each, kept while clusters merge.
struct Nearest {
  std::size_t row = 0;
  float similarity = kNone;
};

Matrix part_of(const Matrix& unit, std::size_t first, std::size_t rows) {
  Matrix part(rows, unit.cols);
  const auto from = unit.values.begin() + static_cast<std::ptrdiff_t>(first * unit.cols);
  std::copy_n(from, rows * unit.cols, part.values.begin());
  return part;
}

}  // namespace

std::vector<std::size_t> link_average(const Matrix& unit, std::span<const std::size_t> windows,
                                      std::span<const double> weights, const LinkLimits& limits,
                                      const Interrupt& interrupt) {
  const std::size_t n = unit.rows;
  Matrix similarity(n, n);
  for (std::size_t i = 0; i < n; ++i) {
    simd::dot_rows(unit.row(i).data(), unit.values.data(), n, unit.cols, similarity.row(i).data());
    for (std::size_t j = 0; j < n; ++j) {
      if (windows[i] == windows[j]) similarity.row(i)[j] = -1;
    }
    similarity.row(i)[i] = kNone;
  }
  const auto nearest_of = [&](std::size_t row) {
    const auto values = similarity.row(row);
    const auto best = std::ranges::max_element(values);
    return Nearest{static_cast<std::size_t>(best - values.begin()), *best};
  };
  std::vector<Nearest> nearest(n);
  for (std::size_t i = 0; i < n; ++i) nearest[i] = nearest_of(i);
  std::vector<double> weight(weights.begin(), weights.end());
  std::vector<std::size_t> owner(n);
  std::iota(owner.begin(), owner.end(), std::size_t{0});

  for (std::size_t left = n; left > std::max<std::size_t>(limits.least, 1) && !interrupt.stops(); --left) {
    const auto best = std::ranges::max_element(nearest, {}, &Nearest::similarity);
    if (best->similarity < limits.threshold && left <= limits.most) break;
    const auto kept = static_cast<std::size_t>(best - nearest.begin());
    const std::size_t gone = best->row;
    const double both = weight[kept] + weight[gone];
    for (std::size_t k = 0; k < n; ++k) {
      float& mean = similarity.row(kept)[k];
      const float other = similarity.row(gone)[k];
      // The rows of clusters that are gone stay at kNone.
      mean = mean == kNone || other == kNone ? kNone
                                             : static_cast<float>((weight[kept] * mean + weight[gone] * other) / both);
    }
    for (std::size_t k = 0; k < n; ++k) {
      similarity.row(k)[kept] = similarity.row(kept)[k];
      similarity.row(k)[gone] = similarity.row(gone)[k] = kNone;
    }
    weight[kept] = both;
    std::ranges::replace(owner, gone, kept);
    nearest[gone] = {};
    nearest[kept] = nearest_of(kept);
    for (std::size_t k = 0; k < n; ++k) {
      if (k == kept || nearest[k].similarity == kNone) continue;
      if (nearest[k].row == kept || nearest[k].row == gone) {
        nearest[k] = nearest_of(k);
      } else if (similarity.row(k)[kept] > nearest[k].similarity) {
        nearest[k] = {kept, similarity.row(k)[kept]};
      }
    }
  }

  std::vector<std::size_t> number(n, n);
  std::vector<std::size_t> labels(n);
  std::size_t next = 0;
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t& label = number[owner[i]];
    if (label == n) label = next++;
    labels[i] = label;
  }
  return labels;
}

std::vector<std::size_t> link_in_chunks(const Matrix& unit, std::span<const std::size_t> windows,
                                        std::span<const double> seconds, const LinkLimits& limits, std::size_t chunk,
                                        const Interrupt& interrupt) {
  std::vector<std::size_t> labels(unit.rows);
  std::iota(labels.begin(), labels.end(), std::size_t{0});
  Matrix rows = unit;
  std::vector<std::size_t> window(windows.begin(), windows.end());
  std::vector<double> mass(seconds.begin(), seconds.end());
  std::vector<double> members(unit.rows, 1);
  while (!interrupt.stops()) {
    const bool last = rows.rows <= chunk;
    std::vector<std::size_t> merged(rows.rows);
    std::size_t found = 0;
    for (std::size_t first = 0; first < rows.rows; first += chunk) {
      const std::size_t count = std::min(chunk, rows.rows - first);
      // A chunk may not decide how many clusters are left in all, and must leave fewer than it was given.
      LinkLimits here = limits;
      if (!last) here = {limits.threshold, 1, std::min(limits.most, std::max<std::size_t>(count / 2, 1))};
      const auto part = link_average(part_of(rows, first, count), std::span(window).subspan(first, count),
                                     std::span(members).subspan(first, count), here, interrupt);
      for (std::size_t i = 0; i < count; ++i) merged[first + i] = found + part[i];
      found += count_labels(part);
    }
    for (std::size_t& label : labels) label = merged[label];
    if (last) break;
    Matrix next = centroids(rows, mass, merged);
    std::vector<double> next_mass(found);
    std::vector<double> next_members(found);
    for (std::size_t i = 0; i < merged.size(); ++i) {
      next_mass[merged[i]] += mass[i];
      next_members[merged[i]] += members[i];
    }
    // A cluster of several windows is opposite to none.
    window.resize(found);
    std::iota(window.begin(), window.end(), std::size_t{0});
    rows = std::move(next);
    mass = std::move(next_mass);
    members = std::move(next_members);
  }
  return labels;
}

Matrix centroids(const Matrix& unit, std::span<const double> weights, std::span<const std::size_t> labels) {
  Matrix means(count_labels(labels), unit.cols);
  for (std::size_t i = 0; i < unit.rows; ++i) {
    const auto from = unit.row(i);
    const auto to = means.row(labels[i]);
    for (std::size_t d = 0; d < unit.cols; ++d) to[d] += static_cast<float>(weights[i]) * from[d];
  }
  for (std::size_t k = 0; k < means.rows; ++k) normalise(means.row(k));
  return means;
}

std::size_t count_labels(std::span<const std::size_t> labels) {
  return labels.empty() ? 0 : *std::ranges::max_element(labels) + 1;
}

void normalise(std::span<float> vector) {
  const float length = std::sqrt(simd::dot(vector, vector));
  if (length == 0) return;
  for (float& value : vector) value /= length;
}

}  // namespace timbre::conversation
