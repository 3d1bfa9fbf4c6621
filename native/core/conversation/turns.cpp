#include "conversation/turns.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "conversation/segmentation_network.h"

namespace timbre::conversation {

namespace {

/// Seconds at which a frame begins to be the one that is nearest.
double edge(std::size_t frame) {
  return (static_cast<double>(kFrameCentre) + (static_cast<double>(frame) - 0.5) * kFrameStep) / kSampleRate;
}

/// Adds what others speak within each turn. `turns` are in order of their starts.
void add_overlap(std::vector<Turn>& turns) {
  for (std::size_t i = 0; i < turns.size(); ++i) {
    // Parts of others' turns within this one, joined.
    std::vector<std::pair<double, double>> parts;
    for (std::size_t j = 0; j < turns.size() && turns[j].start < turns[i].end; ++j) {
      if (turns[j].speaker == turns[i].speaker || turns[j].end <= turns[i].start) continue;
      parts.emplace_back(std::max(turns[i].start, turns[j].start), std::min(turns[i].end, turns[j].end));
    }
    std::ranges::sort(parts);
    double until = turns[i].start;
    for (const auto& [from, to] : parts) {
      turns[i].overlap += std::max(to - std::max(from, until), 0.0);
      until = std::max(until, to);
    }
  }
}

}  // namespace

TurnMaker::TurnMaker(std::size_t speakers, const Recipe& recipe) : recipe_(recipe), runs_(speakers), order_(speakers) {}

void TurnMaker::add(double expected, std::span<const double> scores) {
  const auto count = static_cast<std::size_t>(
      std::clamp(std::floor(expected + recipe_.rounding), 0.0, static_cast<double>(runs_.size())));
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  std::ranges::stable_sort(order_, std::greater<>(), [&](std::size_t k) { return scores[k]; });
  for (std::size_t rank = 0; rank < count; ++rank) {
    auto& runs = runs_[order_[rank]];
    if (!runs.empty() && runs.back().end == frame_) {
      ++runs.back().end;
    } else {
      runs.push_back({frame_, frame_ + 1});
    }
  }
  ++frame_;
}

std::vector<Turn> TurnMaker::finish(double seconds) {
  std::vector<Turn> turns;
  for (std::size_t speaker = 0; speaker < runs_.size(); ++speaker) {
    std::vector<Turn> own;
    for (const auto& [first, end] : runs_[speaker]) {
      const Turn next{edge(first), edge(end), speaker, 0};
      if (!own.empty() && next.start - own.back().end < recipe_.fill) {
        own.back().end = next.end;
      } else {
        own.push_back(next);
      }
    }
    for (Turn turn : own) {
      if (turn.end - turn.start < recipe_.drop || turn.start >= seconds) continue;
      turn.start = std::max(turn.start, 0.0);
      turn.end = std::min(turn.end, seconds);
      turns.push_back(turn);
    }
  }
  std::ranges::stable_sort(turns, {}, [](const Turn& turn) { return std::pair(turn.start, turn.end); });
  add_overlap(turns);
  return turns;
}

}  // namespace timbre::conversation
