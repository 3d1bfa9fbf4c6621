#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "conversation/recipe.h"

namespace timbre::conversation {

/// One speaker's speech without a pause.
struct Turn {
  double start = 0;  ///< seconds
  double end = 0;
  std::size_t speaker = 0;
  double overlap = 0;  ///< seconds of it in which somebody else speaks too
};

/// Frames to turns, frame by frame: in each the expected number of speakers talks, those with the highest scores.
class TurnMaker {
 public:
  TurnMaker(std::size_t speakers, const Recipe& recipe);

  /// The next frame: how many speakers are expected, and a score of each.
  void add(double expected, std::span<const double> scores);

  /// All turns by time, of a recording of so many seconds. Pauses shorter than Recipe::fill are closed, what is then
  /// shorter than Recipe::drop is left out.
  std::vector<Turn> finish(double seconds);

 private:
  struct Run {
    std::size_t first = 0;
    std::size_t end = 0;
  };

  const Recipe recipe_;
  std::vector<std::vector<Run>> runs_;  ///< of every speaker, in order
  std::vector<std::size_t> order_;
  std::size_t frame_ = 0;
};

}  // namespace timbre::conversation
