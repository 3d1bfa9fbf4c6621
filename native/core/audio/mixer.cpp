#include "audio/mixer.h"

#include <algorithm>
#include <numeric>

namespace timbre {

namespace {

/// Energy of the sum over the sum of energies: 1 for channels that have nothing to do with each other, their number for
/// equal ones, 0 for two in opposite phase. Of 2,450 recordings of speech by two microphones in phase 8 lie below 0.5;
/// in opposite phase, the mixes that are furthest from the voice lie below 0.1. bench/results/channels.md.
constexpr double kCancelled = 0.45;

}  // namespace

Mixer::Mixer(std::size_t channels, std::optional<int> channel)
    : channels_(channels), channel_(channel), energy_(channels) {}

std::span<const float> Mixer::mix(std::span<float> interleaved) {
  if (channels_ == 1) return interleaved;
  const std::size_t frames = interleaved.size() / channels_;
  if (channel_) {
    const auto wanted = static_cast<std::size_t>(*channel_);
    for (std::size_t i = 0; i < frames; ++i) interleaved[i] = interleaved[i * channels_ + wanted];
    return interleaved.first(frames);
  }
  for (std::size_t i = 0; i < frames; ++i) {
    double sum = 0;
    for (std::size_t c = 0; c < channels_; ++c) {
      const double x = interleaved[i * channels_ + c];
      sum += x;
      energy_[c] += x * x;
    }
    sum_energy_ += sum * sum;
    interleaved[i] = static_cast<float>(sum / static_cast<double>(channels_));
  }
  return interleaved.first(frames);
}

std::optional<int> Mixer::strongest_of_cancelled() const {
  if (channels_ == 1 || channel_) return std::nullopt;
  const double all = std::accumulate(energy_.begin(), energy_.end(), 0.0);
  if (all <= 0 || sum_energy_ >= kCancelled * all) return std::nullopt;
  return static_cast<int>(std::max_element(energy_.begin(), energy_.end()) - energy_.begin());
}

bool Mixer::alike() const {
  constexpr double kAlike = 0.999;
  const double all = std::accumulate(energy_.begin(), energy_.end(), 0.0);
  return channels_ == 1 || (!channel_ && sum_energy_ >= kAlike * static_cast<double>(channels_) * all);
}

}  // namespace timbre
