#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "simd/bf16.h"
#include "simd/rows.h"

namespace timbre::simd {

/// Sums, means and squared deviations of every channel, over rows given in turn. Sums run over few rows in float and
/// over all in double: as exact for an hour as for a second.
class Moments {
 public:
  explicit Moments(std::size_t channels);

  void add(ConstRows rows);
  void add(ConstBf16Rows rows);
  /// What was gathered elsewhere of further rows.
  void add(const Moments& others);

  std::size_t count() const { return count_; }
  std::vector<float> means() const;
  /// Sums of squared deviations from the mean.
  std::vector<double> squares() const;

 private:
  template <typename T>
  void add_rows(RowsOf<const T> rows);

  std::size_t count_ = 0;
  std::vector<double> means_;
  std::vector<double> squares_;
  std::vector<float> first_row_;
  std::vector<float> sums_;
  std::vector<float> sums_of_squares_;
};

/// Mean and variance of every channel under weights softmax(scores) over all rows, given in turn.
class SoftmaxMoments {
 public:
  /// `centres`: anything near the channels' values, which are taken relative to it.
  explicit SoftmaxMoments(std::span<const float> centres);

  void add(ConstRows scores, ConstRows values);
  void add(ConstRows scores, ConstBf16Rows values);

  /// Of channel c.
  float mean(std::size_t c) const;
  float variance(std::size_t c) const;

 private:
  template <typename T>
  void add_rows(ConstRows scores, RowsOf<const T> values);

  std::span<const float> centres_;
  std::vector<float> highest_;
  std::vector<float> highest_before_;
  std::vector<float> weights_;  ///< of these rows
  std::vector<float> sums_;
  std::vector<float> sums_of_squares_;
  std::vector<double> weight_;  ///< of all rows so far, relative to the highest score
  std::vector<double> sum_;
  std::vector<double> square_;
};

}  // namespace timbre::simd
