#include "conversation/mixture.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "conversation/linkage.h"
#include "simd/vectors.h"

namespace timbre::conversation {

namespace {

struct Mixture {
  Matrix centroids;
  std::vector<double> mass;
};

/// Which components stay: those of some mass, and the heaviest `least`.
std::vector<std::size_t> kept_of(const std::vector<double>& mass, const Recipe& recipe, std::size_t least) {
  const double heaviest = *std::ranges::max_element(mass) * recipe.piece_hop;
  std::vector<std::size_t> order(mass.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](std::size_t k) { return mass[k]; });
  std::vector<std::size_t> kept;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const bool heavy = mass[order[rank]] * recipe.piece_hop >= std::min(recipe.smallest, heaviest);
    if (heavy || rank < least) kept.push_back(order[rank]);
  }
  std::ranges::sort(kept);
  return kept;
}

Mixture fit(Matrix c, const Matrix& unit, std::span<const double> weights, const Recipe& recipe, std::size_t least,
            const Interrupt& interrupt) {
  std::vector<double> prior(c.rows, 1 / static_cast<double>(c.rows));
  std::vector<double> mass(c.rows);
  for (int round = 0; round < recipe.rounds && !interrupt.stops(); ++round) {
    const std::size_t k = c.rows;
    std::vector<double> log_prior(k);
    for (std::size_t i = 0; i < k; ++i) log_prior[i] = std::log(prior[i] + 1e-9);
    std::vector<double> sums(k * unit.cols);
    mass.assign(k, 0);
    std::vector<float> cosine(k);
    std::vector<double> share(k);
    for (std::size_t p = 0; p < unit.rows; ++p) {
      const auto row = unit.row(p);
      simd::dot_rows(row.data(), c.values.data(), k, unit.cols, cosine.data());
      for (std::size_t i = 0; i < k; ++i) share[i] = recipe.kappa * cosine[i] + log_prior[i];
      const double most = *std::ranges::max_element(share);
      double total = 0;
      for (double& one : share) total += one = std::exp(one - most);
      for (std::size_t i = 0; i < k; ++i) {
        const double part = share[i] * weights[p] / total;
        // What is nothing beside a float's last digit.
        constexpr double kNothing = 1e-9;
        if (part < kNothing) continue;
        mass[i] += part;
        double* to = sums.data() + i * unit.cols;
        for (std::size_t d = 0; d < unit.cols; ++d) to[d] += part * row[d];
      }
    }
    const auto kept = kept_of(mass, recipe, least);
    Matrix next(kept.size(), unit.cols);
    std::vector<double> next_mass;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const double* from = sums.data() + kept[i] * unit.cols;
      std::transform(from, from + unit.cols, next.row(i).begin(), [](double x) { return static_cast<float>(x); });
      normalise(next.row(i));
      next_mass.push_back(mass[kept[i]]);
    }
    c = std::move(next);
    mass = std::move(next_mass);
    const double all = std::accumulate(mass.begin(), mass.end(), 0.0);
    prior.clear();
    for (const double one : mass) prior.push_back(one / all);
  }
  return {std::move(c), std::move(mass)};
}

}  // namespace

Matrix refine(Matrix centroids, const Matrix& unit, std::span<const double> weights, const Recipe& recipe,
              const SpeakerCounts& counts, const Evidence& evidence, const Interrupt& interrupt) {
  Mixture mixture = fit(std::move(centroids), unit, weights, recipe, counts.least, interrupt);
  while (mixture.centroids.rows > std::max<std::size_t>(counts.least, 1) && !interrupt.stops()) {
    const Matrix& c = mixture.centroids;
    const Matrix said = evidence(c);
    std::size_t first = 0;
    std::size_t second = 1;
    float nearest = std::numeric_limits<float>::lowest();
    for (std::size_t i = 0; i < c.rows; ++i) {
      for (std::size_t j = i + 1; j < c.rows; ++j) {
        const float nearness = simd::dot(c.row(i), c.row(j)) + said.row(i)[j];
        if (nearness <= nearest) continue;
        nearest = nearness;
        first = i;
        second = j;
      }
    }
    if (nearest < recipe.merge && (counts.most == 0 || c.rows <= counts.most)) break;
    Matrix fewer(c.rows - 1, c.cols);
    std::size_t next = 0;
    for (std::size_t i = 0; i < c.rows; ++i) {
      if (i != first && i != second) std::ranges::copy(c.row(i), fewer.row(next++).begin());
    }
    const auto both = fewer.row(next);
    for (std::size_t d = 0; d < c.cols; ++d) {
      both[d] = static_cast<float>(mixture.mass[first] * c.row(first)[d] + mixture.mass[second] * c.row(second)[d]);
    }
    normalise(both);
    mixture = fit(std::move(fewer), unit, weights, recipe, counts.least, interrupt);
  }
  return std::move(mixture.centroids);
}

}  // namespace timbre::conversation
