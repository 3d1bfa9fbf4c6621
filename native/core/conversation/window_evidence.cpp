#include "conversation/window_evidence.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "conversation/segmentation_network.h"
#include "simd/vectors.h"

namespace timbre::conversation {

namespace {

/// Seconds of an item near each centroid that any of its pieces is nearest to.
using Seconds = std::vector<std::pair<std::size_t, float>>;

std::vector<std::size_t> nearest_centroids(const Matrix& unit, const Matrix& centroids) {
  std::vector<std::size_t> nearest(unit.rows);
  std::vector<float> cosine(centroids.rows);
  for (std::size_t p = 0; p < unit.rows; ++p) {
    simd::dot_rows(unit.row(p).data(), centroids.values.data(), centroids.rows, unit.cols, cosine.data());
    nearest[p] = static_cast<std::size_t>(std::ranges::max_element(cosine) - cosine.begin());
  }
  return nearest;
}

Seconds seconds_of(const std::vector<Items::Part>& parts, const std::vector<std::size_t>& nearest, double piece_hop) {
  Seconds seconds;
  for (const auto& [piece, share] : parts) {
    const std::size_t centroid = nearest[piece];
    auto found = std::ranges::find(seconds, centroid, &Seconds::value_type::first);
    if (found == seconds.end()) found = seconds.insert(seconds.end(), {centroid, 0});
    found->second += share * static_cast<float>(piece_hop);
  }
  return seconds;
}

}  // namespace

Matrix window_evidence(const Items& items, const Pieces& pieces, const Matrix& centroids, const Recipe& recipe) {
  const std::size_t k = centroids.rows;
  if (recipe.window_weight == 0) return Matrix(k, k);
  const auto nearest = nearest_centroids(pieces.unit, centroids);
  std::vector<Seconds> seconds;
  seconds.reserve(items.parts.size());
  for (const auto& parts : items.parts) seconds.push_back(seconds_of(parts, nearest, recipe.piece_hop));

  Matrix together(k, k);
  Matrix apart(k, k);
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    for (const auto& [a, own] : seconds[i]) {
      for (const auto& [b, other] : seconds[i]) together.row(a)[b] += std::min(own, other);
      for (std::size_t j = i + 1; j < seconds.size() && items.window[j] == items.window[i]; ++j) {
        for (const auto& [b, other] : seconds[j]) {
          apart.row(a)[b] += std::min(own, other);
          apart.row(b)[a] += std::min(own, other);
        }
      }
    }
  }
  const double seen_by = kWindowSamples / (recipe.window_hop * kSampleRate);
  Matrix evidence(k, k);
  for (std::size_t i = 0; i < evidence.values.size(); ++i) {
    const double ratio =
        (together.values[i] / seen_by + recipe.window_floor) / (apart.values[i] / seen_by + recipe.window_floor);
    evidence.values[i] = static_cast<float>(recipe.window_weight * std::log(ratio));
  }
  return evidence;
}

}  // namespace timbre::conversation
