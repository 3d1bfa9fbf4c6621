#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// Passes over activations, which are rows (frames) of channels. Each does all there is to do between two matrix
/// products, because an activation read once more costs as much as the arithmetic on it.
namespace timbre {

/// A rectangle of a row-major matrix that lies elsewhere.
template <typename T>
struct RowsOf {
  T* data = nullptr;
  std::size_t count = 0;
  std::size_t width = 0;
  std::size_t step = 0;  ///< values from one row to the next

  T* row(std::size_t i) const { return data + i * step; }
  RowsOf part(std::size_t first, std::size_t rows) const { return {row(first), rows, width, step}; }
  RowsOf columns(std::size_t first, std::size_t number) const { return {data + first, count, number, step}; }
  operator RowsOf<const T>() const { return {data, count, width, step}; }
};
using Rows = RowsOf<float>;
using ConstRows = RowsOf<const float>;

/// What follows a product: relu(x + bias) * scale + shift, a value of each for every channel.
struct Activation {
  std::vector<float> bias;
  std::vector<float> scale;
  std::vector<float> shift;
};

/// to = activation(from).
void activate(ConstRows from, const Activation& activation, Rows to);

/// to = from + bias.
void add_bias(ConstRows from, std::span<const float> bias, Rows to);

/// to = from.
void copy(ConstRows from, Rows to);

/// to = x + y * gain, a gain for every channel; `to` may be x or y.
void add_scaled(ConstRows x, ConstRows y, std::span<const float> gain, Rows to);

/// The frames that a convolution reads at output frame t: stride * t + dilation * (tap - taps / 2).
struct Window {
  std::size_t taps = 1;
  std::size_t dilation = 1;
  std::size_t stride = 1;
  bool reflect = true;  ///< at both ends of the utterance; otherwise zeros lie outside

  std::size_t reach() const { return taps / 2 * dilation; }
};

/// Row i of `to` (taps times as wide) holds the frames of output frame first + i; of x + y, where y is given.
void gather(ConstRows x, ConstRows y, const Window& window, std::size_t first, Rows to);

/// Sums, means and squared deviations of every channel, over rows given in turn. Sums run over few rows in float and
/// over all in double: as exact for an hour as for a second.
class Moments {
 public:
  explicit Moments(std::size_t channels);

  void add(ConstRows rows);

  std::size_t count() const { return count_; }
  std::vector<float> means() const;
  /// Sums of squared deviations from the mean.
  std::vector<double> squares() const;

 private:
  void add_few(ConstRows rows);

  std::size_t count_ = 0;
  std::vector<double> means_;
  std::vector<double> squares_;
  std::vector<float> sums_;
  std::vector<float> sums_of_squares_;
};

/// Mean and variance of every channel under weights softmax(scores) over all rows, given in turn.
class WeightedMoments {
 public:
  /// `centres`: anything near the channels' values, which are taken relative to it.
  explicit WeightedMoments(std::span<const float> centres);

  void add(ConstRows scores, ConstRows values);

  /// Of channel c.
  float mean(std::size_t c) const;
  float variance(std::size_t c) const;

 private:
  void add_few(ConstRows scores, ConstRows values);

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

/// x = tanh(x).
void squash(Rows x);

/// Lowest and highest value, 0 included; no numbers where any value is not finite.
struct Range {
  float low = 0;
  float high = 0;
};
Range range(ConstRows x);

/// to = round(x * scale) + zero, within 0 and `highest`. Rows follow each other without a gap.
void quantise(ConstRows x, float scale, std::int32_t zero, std::int32_t highest, std::uint8_t* to);

}  // namespace timbre
