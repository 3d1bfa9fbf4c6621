#include "bundle/synthetic.h"

#include <cmath>
#include <numbers>

namespace timbre::bundle {

namespace {

constexpr int kHarmonics = 24;

/// SplitMix64 (Steele, Lea, Flood, 2014).
class Uniform {
 public:
  explicit Uniform(std::uint64_t seed) : state_(seed) {}

  /// In [-1, 1).
  double next() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-52 - 1;
  }

 private:
  std::uint64_t state_;
};

/// Seconds in, one sample of a voice; `seed` moves its pitch and its resonances.
double voice(double time, std::uint64_t seed) {
  constexpr double kTurn = 2 * std::numbers::pi;
  const auto who = static_cast<double>(seed % 16);
  const double pitch = 95 + 9 * who;
  const double turns = pitch * time + 0.04 * pitch * std::sin(kTurn * 0.7 * time);
  const double first = 500 + 40 * who + 200 * std::sin(kTurn * 1.3 * time);
  const double second = 1500 + 60 * who + 500 * std::sin(kTurn * 0.9 * time + 1);
  double sum = 0;
  for (int k = 1; k <= kHarmonics; ++k) {
    const double hz = k * pitch;
    const double near_first = (hz - first) / 150;
    const double near_second = (hz - second) / 250;
    const double gain = 0.1 / k + std::exp(-near_first * near_first) + 0.5 * std::exp(-near_second * near_second);
    sum += gain * std::sin(kTurn * std::fmod(k * turns, 1.0));
  }
  const double syllable = 0.55 - 0.45 * std::cos(kTurn * 3.1 * time);
  return 0.12 * syllable * sum;
}

}  // namespace

std::optional<std::vector<float>> synthesise(std::string_view signal, double seconds, std::uint64_t seed,
                                             int sample_rate) {
  if (signal != "voice" && signal != "noise") {
    return std::nullopt;
  }
  Uniform uniform(seed);
  std::vector<float> samples(static_cast<std::size_t>(std::lround(seconds * sample_rate)));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double noise = uniform.next();
    samples[i] = static_cast<float>(
        signal == "noise" ? 0.17 * noise : voice(static_cast<double>(i) / sample_rate, seed) + 0.003 * noise);
  }
  return samples;
}

}  // namespace timbre::bundle
