#include "conversation/speakers.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "conversation/assignment.h"
#include "conversation/linkage.h"
#include "conversation/mixture.h"
#include "conversation/window_evidence.h"
#include "simd/vectors.h"

namespace timbre::conversation {

namespace {

/// Seconds that an item without own speech counts as.
constexpr double kLeastOwn = 0.05;
/// Pure pieces from which a mixture can be fitted.
constexpr std::size_t kFewPieces = 4;

Matrix rows_of(const Matrix& matrix, const std::vector<std::size_t>& rows) {
  Matrix part(rows.size(), matrix.cols);
  for (std::size_t i = 0; i < rows.size(); ++i) std::ranges::copy(matrix.row(rows[i]), part.row(i).begin());
  return part;
}

template <typename T>
std::vector<T> values_at(const std::vector<T>& values, const std::vector<std::size_t>& rows) {
  std::vector<T> part;
  part.reserve(rows.size());
  for (const std::size_t row : rows) part.push_back(values[row]);
  return part;
}

/// The items that begin clusters: the long ones, and where there are not two of them, shorter ones.
std::vector<std::size_t> founders(const std::vector<double>& own, double limit) {
  constexpr double kShortest = 0.1;
  const auto longer_than = [&](double seconds) {
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < own.size(); ++i) {
      if (own[i] >= seconds) rows.push_back(i);
    }
    return rows;
  };
  while (longer_than(limit).size() < 2 && limit > kShortest) limit /= 2;
  std::vector<std::size_t> rows = longer_than(limit);
  return rows.size() >= 2 ? rows : longer_than(0);
}

/// Clusters of the items that fit nobody, the longest first, as further centroids.
Matrix with_strangers(Matrix c, const Items& items, const std::vector<double>& own, double stranger,
                      const Recipe& recipe, std::size_t most, const Interrupt& interrupt) {
  const auto labels = assign_items(items, c, stranger, /*everybody=*/false);
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == kNobody) left.push_back(i);
  }
  if (left.empty() || c.rows >= most) return c;
  const Matrix unit = rows_of(items.unit, left);
  const auto seconds = values_at(own, left);
  const LinkLimits limits{recipe.stranger_link, 1, recipe.highest};
  const auto clusters = link_in_chunks(unit, values_at(items.window, left), seconds, limits, recipe.chunk, interrupt);
  const Matrix found = centroids(unit, seconds, clusters);
  std::vector<double> size(found.rows);
  for (std::size_t i = 0; i < left.size(); ++i) size[clusters[i]] += items.share[left[i]];
  std::vector<std::size_t> order(found.rows);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](std::size_t k) { return size[k]; });
  const double speech = std::accumulate(items.share.begin(), items.share.end(), 0.0);
  const double least = std::clamp(recipe.stranger_share * speech, recipe.stranger_seconds, recipe.stranger_enough);
  for (const std::size_t k : order) {
    if (c.rows >= most || size[k] < least) break;
    const auto row = found.row(k);
    c.values.insert(c.values.end(), row.begin(), row.end());
    ++c.rows;
  }
  return c;
}

}  // namespace

Matrix find_speakers(const Items& items, const Pieces& pieces, const std::vector<double>& purity, const Recipe& recipe,
                     const SpeakerCounts& counts, const Interrupt& interrupt) {
  std::vector<double> own = items.own;
  for (double& seconds : own) seconds = std::max(seconds, kLeastOwn);
  const auto first = founders(own, recipe.founder);
  const Matrix founding = rows_of(items.unit, first);
  const auto founding_windows = values_at(items.window, first);
  const auto founding_own = values_at(own, first);

  std::vector<std::size_t> pure;
  std::vector<double> weights;
  for (std::size_t p = 0; p < purity.size(); ++p) {
    if (purity[p] < recipe.pure) continue;
    pure.push_back(p);
    weights.push_back(purity[p] * purity[p]);
  }
  const Matrix pure_unit = rows_of(pieces.unit, pure);
  const std::size_t most = counts.most == 0 ? recipe.highest : std::min(counts.most, recipe.highest);
  const auto evidence = [&](const Matrix& now) { return window_evidence(items, pieces, now, recipe); };

  struct Attempt {
    std::size_t founded;
    double stranger;
  };
  const std::array<Attempt, 4> attempts = {{{1, recipe.stranger},
                                            {1, recipe.trusted_first},
                                            {1, recipe.trusted_afterwards},
                                            {counts.least, recipe.stranger}}};
  Matrix c;
  for (const auto& [founded, stranger] : attempts) {
    const LinkLimits limits{recipe.link, founded, recipe.highest};
    const auto labels = link_in_chunks(founding, founding_windows, founding_own, limits, recipe.chunk, interrupt);
    c = centroids(founding, founding_own, labels);
    for (int pass = 0; pass < recipe.passes; ++pass) {
      if (pure.size() > kFewPieces && c.rows > 1) {
        c = refine(std::move(c), pure_unit, weights, recipe, {founded, counts.most}, evidence, interrupt);
      }
      const std::size_t refined = c.rows;
      c = with_strangers(std::move(c), items, own, stranger, recipe, most, interrupt);
      if (c.rows == refined) break;
    }
    if (c.rows >= counts.least || interrupt.stops()) break;
  }
  return c;
}

std::vector<std::size_t> assign_items(const Items& items, const Matrix& centroids, double stranger, bool everybody) {
  const std::size_t n = items.window.size();
  const std::size_t k = centroids.rows;
  std::vector<float> cosine(n * k);
  for (std::size_t i = 0; i < n; ++i) {
    simd::dot_rows(items.unit.row(i).data(), centroids.values.data(), k, centroids.cols, cosine.data() + i * k);
  }
  std::vector<std::size_t> labels(n, kNobody);
  for (std::size_t first = 0; first < n;) {
    std::size_t end = first + 1;
    while (end < n && items.window[end] == items.window[first]) ++end;
    const auto pairs = assign_highest(std::span(cosine).subspan(first * k, (end - first) * k), end - first, k);
    for (std::size_t i = first; i < end; ++i) {
      const float* row = cosine.data() + i * k;
      const auto pair = pairs[i - first];
      if (pair && (everybody || row[*pair] >= stranger)) {
        labels[i] = *pair;
      } else if (everybody) {
        labels[i] = static_cast<std::size_t>(std::max_element(row, row + k) - row);
      }
    }
    first = end;
  }
  return labels;
}

}  // namespace timbre::conversation
