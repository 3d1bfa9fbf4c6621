#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <vector>

#include "conversation/recipe.h"
#include "conversation/segmentation_network.h"
#include "conversation/speakers.h"
#include "conversation/turns.h"
#include "support/for_each.h"
#include "support/interrupt.h"
#include "support/result.h"

namespace timbre::conversation {

/// Who speaks, and when.
struct Conversation {
  std::vector<Turn> turns;  ///< by time; speakers are numbered in the order in which they first speak
  std::size_t speakers = 0;
  Matrix centroids;  ///< [speakers, D], of unit length
};

/// Logarithms of probabilities of windows, as SegmentationNetwork gives them. Called from several threads.
using Segment = std::function<Result<std::vector<std::vector<float>>>(std::span<const std::vector<float>> windows,
                                                                      const Interrupt& interrupt)>;

/// Embeddings of pieces of Recipe::piece seconds, not normalised, in their order. Called from several threads.
using EmbedPieces =
    std::function<Result<std::vector<std::vector<float>>>(std::span<const std::span<const float>> pieces)>;

/// From samples to turns, in the order in which they come. Samples are kept for some ten seconds beyond what is worked
/// on at a time; of a window probabilities in 16 bits, of a piece its embedding: bytes() says how much that is. Time
/// grows with the length.
///
/// Used by one thread.
class Diariser {
 public:
  struct Stages {
    Segment segment;
    EmbedPieces embed;
    ForEach for_each;
    std::size_t windows_at_once = 16;
    std::size_t windows_in_call = 1;  ///< of `segment`
    std::size_t pieces_in_call = 16;  ///< of `embed`
  };

  /// `interrupt` must outlive it.
  Diariser(Recipe recipe, Stages stages, const Interrupt& interrupt = kUninterrupted);

  /// The next samples, in [-1, 1] at kSampleRate. Errors: those of the stages.
  Status add(std::span<const float> samples);

  /// Forgets all samples that have come.
  void restart();

  /// Bytes that it keeps of a recording of so many seconds, with embeddings of `dim` values.
  static std::uint64_t bytes(const Recipe& recipe, double seconds, std::size_t dim, std::size_t windows_at_once);

  /// Samples that all of the work is done for.
  std::size_t finished_samples() const { return std::min(windows_.size() * hop_, samples_); }

  /// Samples that are kept for what is still to be done.
  std::size_t held_samples() const { return buffer_.size(); }

  /// The recording has ended. Errors: those of the stages, what `interrupt` says.
  Result<Conversation> finish(const SpeakerCounts& counts);

 private:
  /// What is kept of a window.
  struct Window {
    std::array<std::array<std::uint16_t, kLocalSpeakers>, kWindowFrames> activity;  ///< probability, of 65535
    std::array<std::uint8_t, kWindowFrames> likeliest;                              ///< class
  };

  std::size_t frame_of_window(std::size_t window) const;
  std::size_t windows_seeing(std::size_t frame) const;
  double expected_speakers(std::size_t frame) const;
  Status work(bool ended);
  Status segment_windows(std::size_t count);
  double speech_share(std::size_t piece, std::size_t known) const;
  bool one_voice(std::size_t from, std::size_t to) const;
  bool between_alike(std::size_t piece, std::size_t known) const;
  Status embed_ready(bool ended);
  void fill_between();
  std::vector<float> cut(std::size_t first, std::size_t count) const;
  std::vector<float> cut_piece(std::size_t at) const;
  Items make_items() const;
  std::vector<double> purities() const;
  std::vector<Turn> make_turns(const Items& items, const Matrix& centroids) const;

  const Recipe recipe_;
  const Stages stages_;
  const Interrupt& interrupt_;
  const std::size_t hop_;         ///< samples from window to window
  const std::size_t piece_hop_;   ///< samples
  const std::size_t half_piece_;  ///< samples
  const std::size_t steady_hop_;  ///< pieces
  std::size_t samples_ = 0;       ///< that have come
  std::size_t frames_ = 0;        ///< of the whole recording, once it has ended
  std::size_t base_ = 0;          ///< the sample that buffer_ begins with
  std::vector<float> buffer_;
  std::deque<Window> windows_;
  std::vector<float> speakers_;  ///< in each frame, summed over the windows that see it
  std::size_t next_piece_ = 0;   ///< in hops
  Pieces pieces_;
  std::vector<std::size_t> between_;  ///< rows of pieces_ that are filled once all others are known
};

}  // namespace timbre::conversation
