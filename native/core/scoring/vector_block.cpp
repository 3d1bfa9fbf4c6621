#include "scoring/vector_block.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "simd/vectors.h"

namespace timbre {

namespace {

/// For sums that are rounded themselves, in single precision, here and where exact cosines are computed.
constexpr float kSums = 4e-6F;

struct Rounding {
  float step;
  float error;  ///< length of what was rounded away
};

/// Multiples of a step, the largest of which is `most`.
template <typename Whole>
Rounding round_to(std::span<const float> vector, std::int32_t most, std::span<Whole> to) {
  float largest = 0;
  for (const float x : vector) largest = std::max(largest, std::abs(x));
  const float step = largest / static_cast<float>(most);
  double square = 0;
  for (std::size_t i = 0; i < vector.size(); ++i) {
    to[i] = static_cast<Whole>(std::lround(vector[i] / step));
    const double rest = static_cast<double>(vector[i]) - static_cast<double>(to[i]) * step;
    square += rest * rest;
  }
  return {step, static_cast<float>(std::sqrt(square))};
}

constexpr std::int32_t kMostOfByte = std::numeric_limits<std::int8_t>::max();

/// Of a query: no sum of its products with bytes leaves 32 bits.
std::int32_t most_of_query(std::size_t dim) {
  const std::size_t most = std::numeric_limits<std::int32_t>::max() / (kMostOfByte * dim);
  return static_cast<std::int32_t>(std::min<std::size_t>(most, std::numeric_limits<std::int16_t>::max()));
}

float to_cosine(float product) { return std::clamp(product, -1.0F, 1.0F); }

}  // namespace

Direction::Direction(VoiceVector unit) : unit_(std::move(unit)), rounded_(unit_.size()) {
  const Rounding rounding = round_to<std::int16_t>(unit_, most_of_query(unit_.size()), rounded_);
  step_ = rounding.step;
  error_ = rounding.error;
}

void FloatBlock::put(std::size_t row, std::span<const float> unit) {
  std::copy(unit.begin(), unit.end(), at(row).begin());
}

void FloatBlock::put(std::size_t row, const VectorBlock& from, std::size_t of) {
  put(row, static_cast<const FloatBlock&>(from).at(of));
}

VoiceVector FloatBlock::get(std::size_t row) const { return {at(row).begin(), at(row).end()}; }

void FloatBlock::compare(const Direction& direction, std::size_t first, std::size_t count, float* cosines,
                         float* errors) const {
  simd::dot_rows(direction.unit().data(), at(first).data(), count, dim(), cosines);
  std::transform(cosines, cosines + count, cosines, to_cosine);
  std::fill_n(errors, count, 0.0F);
}

void ByteBlock::put(std::size_t row, std::span<const float> unit) {
  const auto [step, error] = round_to<std::int8_t>(unit, kMostOfByte, at(row));
  steps_[row] = step;
  errors_[row] = error;
}

void ByteBlock::put(std::size_t row, const VectorBlock& from, std::size_t of) {
  const auto& block = static_cast<const ByteBlock&>(from);
  const auto vector = block.at(of);
  std::copy(vector.begin(), vector.end(), at(row).begin());
  steps_[row] = block.steps_[of];
  errors_[row] = block.errors_[of];
}

VoiceVector ByteBlock::get(std::size_t row) const {
  VoiceVector vector(dim());
  const auto bytes = at(row);
  std::transform(bytes.begin(), bytes.end(), vector.begin(),
                 [step = steps_[row]](std::int8_t x) { return static_cast<float>(x) * step; });
  return vector;
}

void ByteBlock::compare(const Direction& direction, std::size_t first, std::size_t count, float* cosines,
                        float* errors) const {
  std::array<std::int32_t, kRows> products{};
  simd::dot_rows(direction.rounded().data(), at(first).data(), count, dim(), products.data());
  for (std::size_t i = 0; i < count; ++i) {
    const float rest = errors_[first + i];
    cosines[i] = to_cosine(static_cast<float>(products[i]) * (steps_[first + i] * direction.step()));
    errors[i] = rest + direction.error() * (1 + rest) + kSums;
  }
}

}  // namespace timbre
