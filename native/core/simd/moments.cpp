#include "simd/moments.h"

#include <algorithm>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/moments.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "simd/loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace timbre::simd::HWY_NAMESPACE {

/// Deviations from the first row, and their squares.
template <typename T>
HWY_INLINE void sum_deviations_of(RowsOf<const T> x, float* centre, float* sums, float* squares) {
  const T* first = x.row(0);
  for_each_vector(x.width, [=](auto d, std::size_t c) HWY_ATTR {
    hn::StoreU(load(d, first + c), d, centre + c);
    hn::StoreU(hn::Zero(d), d, sums + c);
    hn::StoreU(hn::Zero(d), d, squares + c);
  });
  for (std::size_t r = 0; r < x.count; ++r) {
    const T* row = x.row(r);
    for_each_vector(x.width, [=](auto d, std::size_t c) HWY_ATTR {
      const auto deviation = hn::Sub(load(d, row + c), hn::LoadU(d, centre + c));
      hn::StoreU(hn::Add(hn::LoadU(d, sums + c), deviation), d, sums + c);
      hn::StoreU(hn::MulAdd(deviation, deviation, hn::LoadU(d, squares + c)), d, squares + c);
    });
  }
}

void sum_deviations(ConstRows x, float* centre, float* sums, float* squares) {
  sum_deviations_of(x, centre, sums, squares);
}

void sum_deviations_bf16(ConstBf16Rows x, float* centre, float* sums, float* squares) {
  sum_deviations_of(x, centre, sums, squares);
}

/// highest = max(highest, scores). What is no number stays out.
void raise_maxima(ConstRows scores, float* highest) {
  for (std::size_t r = 0; r < scores.count; ++r) {
    const float* row = scores.row(r);
    for_each_vector(scores.width, [=](auto d, std::size_t c) HWY_ATTR {
      const auto score = hn::LoadU(d, row + c);
      const auto most = hn::LoadU(d, highest + c);
      hn::StoreU(hn::IfThenElse(hn::Gt(score, most), score, most), d, highest + c);
    });
  }
}

/// Weights exp(score - highest): adds them, deviations from `centre` under them, and their squares.
template <typename T>
HWY_INLINE void add_weighted_of(ConstRows scores, RowsOf<const T> x, const float* highest, const float* centre,
                                float* weights, float* sums, float* squares) {
  for (std::size_t r = 0; r < scores.count; ++r) {
    const float* score = scores.row(r);
    const T* row = x.row(r);
    for_each_vector(scores.width, [=](auto d, std::size_t c) HWY_ATTR {
      const auto below = hn::Sub(hn::LoadU(d, score + c), hn::LoadU(d, highest + c));
      // Exp() makes nothing of what is no number; the sums have to tell of it.
      const auto weight = hn::Add(hn::Exp(d, below), hn::Sub(below, below));
      const auto deviation = hn::Sub(load(d, row + c), hn::LoadU(d, centre + c));
      const auto weighted = hn::Mul(weight, deviation);
      hn::StoreU(hn::Add(hn::LoadU(d, weights + c), weight), d, weights + c);
      hn::StoreU(hn::Add(hn::LoadU(d, sums + c), weighted), d, sums + c);
      hn::StoreU(hn::MulAdd(weighted, deviation, hn::LoadU(d, squares + c)), d, squares + c);
    });
  }
}

void add_weighted(ConstRows scores, ConstRows x, const float* highest, const float* centre, float* weights, float* sums,
                  float* squares) {
  add_weighted_of(scores, x, highest, centre, weights, sums, squares);
}

void add_weighted_bf16(ConstRows scores, ConstBf16Rows x, const float* highest, const float* centre, float* weights,
                       float* sums, float* squares) {
  add_weighted_of(scores, x, highest, centre, weights, sums, squares);
}

}  // namespace timbre::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace timbre::simd {

HWY_EXPORT(sum_deviations);
HWY_EXPORT(sum_deviations_bf16);
HWY_EXPORT(raise_maxima);
HWY_EXPORT(add_weighted);
HWY_EXPORT(add_weighted_bf16);

namespace {

/// Rows whose sums are taken in float.
constexpr std::size_t kFew = 128;

void sum_deviations(ConstRows x, float* centre, float* sums, float* squares) {
  HWY_DYNAMIC_DISPATCH(sum_deviations)(x, centre, sums, squares);
}

void sum_deviations(ConstBf16Rows x, float* centre, float* sums, float* squares) {
  HWY_DYNAMIC_DISPATCH(sum_deviations_bf16)(x, centre, sums, squares);
}

void add_weighted(ConstRows scores, ConstRows x, const float* highest, const float* centre, float* weights, float* sums,
                  float* squares) {
  HWY_DYNAMIC_DISPATCH(add_weighted)(scores, x, highest, centre, weights, sums, squares);
}

void add_weighted(ConstRows scores, ConstBf16Rows x, const float* highest, const float* centre, float* weights,
                  float* sums, float* squares) {
  HWY_DYNAMIC_DISPATCH(add_weighted_bf16)(scores, x, highest, centre, weights, sums, squares);
}

}  // namespace

Moments::Moments(std::size_t channels)
    : means_(channels), squares_(channels), first_row_(channels), sums_(channels), sums_of_squares_(channels) {}

void Moments::add(ConstRows rows) { add_rows(rows); }

void Moments::add(ConstBf16Rows rows) { add_rows(rows); }

template <typename T>
void Moments::add_rows(RowsOf<const T> rows) {
  for (std::size_t start = 0; start < rows.count; start += kFew) {
    const RowsOf<const T> few = rows.part(start, std::min(kFew, rows.count - start));
    // Relative to their first row, so that squares lose nothing to the mean.
    sum_deviations(few, first_row_.data(), sums_.data(), sums_of_squares_.data());
    const auto before = static_cast<double>(count_);
    const auto added = static_cast<double>(few.count);
    for (std::size_t c = 0; c < few.width; ++c) {
      const double sum = sums_[c];
      const double offset = first_row_[c] + sum / added - means_[c];
      squares_[c] += sums_of_squares_[c] - sum * sum / added + offset * offset * before * added / (before + added);
      means_[c] += offset * added / (before + added);
    }
    count_ += few.count;
  }
}

void Moments::add(const Moments& others) {
  if (others.count_ == 0) return;
  const auto before = static_cast<double>(count_);
  const auto added = static_cast<double>(others.count_);
  for (std::size_t c = 0; c < means_.size(); ++c) {
    const double offset = others.means_[c] - means_[c];
    squares_[c] += others.squares_[c] + offset * offset * before * added / (before + added);
    means_[c] += offset * added / (before + added);
  }
  count_ += others.count_;
}

std::vector<float> Moments::means() const { return {means_.begin(), means_.end()}; }

std::vector<double> Moments::squares() const { return squares_; }

SoftmaxMoments::SoftmaxMoments(std::span<const float> centres)
    : centres_(centres),
      highest_(centres.size(), -std::numeric_limits<float>::infinity()),
      highest_before_(centres.size()),
      weights_(centres.size()),
      sums_(centres.size()),
      sums_of_squares_(centres.size()),
      weight_(centres.size()),
      sum_(centres.size()),
      square_(centres.size()) {}

void SoftmaxMoments::add(ConstRows scores, ConstRows values) { add_rows(scores, values); }

void SoftmaxMoments::add(ConstRows scores, ConstBf16Rows values) { add_rows(scores, values); }

template <typename T>
void SoftmaxMoments::add_rows(ConstRows scores, RowsOf<const T> values) {
  for (std::size_t first = 0; first < scores.count; first += kFew) {
    const std::size_t count = std::min(kFew, scores.count - first);
    const ConstRows few = scores.part(first, count);
    std::ranges::copy(highest_, highest_before_.begin());
    HWY_DYNAMIC_DISPATCH(raise_maxima)(few, highest_.data());
    for (auto* sums : {&weights_, &sums_, &sums_of_squares_}) {
      std::ranges::fill(*sums, 0.0F);
    }
    add_weighted(few, values.part(first, count), highest_.data(), centres_.data(), weights_.data(), sums_.data(),
                 sums_of_squares_.data());
    for (std::size_t c = 0; c < centres_.size(); ++c) {
      const double scale = std::exp(static_cast<double>(highest_before_[c]) - highest_[c]);
      weight_[c] = weight_[c] * scale + weights_[c];
      sum_[c] = sum_[c] * scale + sums_[c];
      square_[c] = square_[c] * scale + sums_of_squares_[c];
    }
  }
}

float SoftmaxMoments::mean(std::size_t c) const { return centres_[c] + static_cast<float>(sum_[c] / weight_[c]); }

float SoftmaxMoments::variance(std::size_t c) const {
  const double mean = sum_[c] / weight_[c];
  return static_cast<float>(square_[c] / weight_[c] - mean * mean);
}

}  // namespace timbre::simd
#endif
