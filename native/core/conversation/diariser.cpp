#include "conversation/diariser.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "conversation/linkage.h"
#include "simd/vectors.h"

namespace timbre::conversation {

namespace {

constexpr double kFrameSeconds = static_cast<double>(kFrameStep) / kSampleRate;
constexpr float kFullActivity = 65535;

std::size_t samples_of(double seconds) { return static_cast<std::size_t>(std::llround(seconds * kSampleRate)); }

/// The frame whose middle is nearest to a time in samples, counted from the same sample as frame 0; halves to even.
double nearest_frame(double samples) {
  return std::nearbyint((samples - static_cast<double>(kFrameCentre)) / static_cast<double>(kFrameStep));
}

/// The share of a piece that is marked, of frames' running sums.
double share_of(std::span<const double> sums, double from, double to) {
  const auto last = static_cast<double>(sums.size() - 1);
  const auto edge = [&](double samples) {
    return static_cast<std::size_t>(std::clamp(nearest_frame(samples), 0.0, last));
  };
  return (sums[edge(to)] - sums[edge(from)]) * static_cast<double>(kFrameStep) / (to - from);
}

bool talks(std::uint8_t likeliest, std::size_t local) { return kPowerset[likeliest][local]; }

bool talks_alone(std::uint8_t likeliest, std::size_t local) { return likeliest == local + 1; }

}  // namespace

Diariser::Diariser(Recipe recipe, Stages stages, const Interrupt& interrupt)
    : recipe_(recipe),
      stages_(std::move(stages)),
      interrupt_(interrupt),
      hop_(samples_of(recipe.window_hop)),
      piece_hop_(samples_of(recipe.piece_hop)),
      half_piece_(samples_of(recipe.piece / 2)),
      steady_hop_(static_cast<std::size_t>(std::max(recipe.steady_hop, 1))) {}

Status Diariser::add(std::span<const float> samples) {
  buffer_.insert(buffer_.end(), samples.begin(), samples.end());
  samples_ += samples.size();
  return work(/*ended=*/false);
}

void Diariser::restart() {
  samples_ = frames_ = base_ = next_piece_ = 0;
  buffer_.clear();
  windows_.clear();
  speakers_.clear();
  pieces_ = {};
  between_.clear();
}

std::uint64_t Diariser::bytes(const Recipe& recipe, double seconds, std::size_t dim, std::size_t windows_at_once) {
  const double samples = recipe.window_hop * kSampleRate * static_cast<double>(windows_at_once) + 2 * kWindowSamples;
  const double parts = kWindowSamples / (recipe.piece_hop * kSampleRate) * sizeof(Items::Part);
  const double window = sizeof(Window) + parts +
                        kLocalSpeakers * (sizeof(float) * static_cast<double>(dim) + sizeof(std::vector<Items::Part>));
  const double piece = sizeof(float) * static_cast<double>(dim + recipe.highest) + sizeof(std::uint32_t);
  const double frame = sizeof(float) + 2 * sizeof(double);
  // Vectors that grow have up to twice as much room.
  return static_cast<std::uint64_t>(
      2 * (sizeof(float) * samples +
           seconds * (window / recipe.window_hop + piece / recipe.piece_hop + frame / kFrameSeconds)));
}

std::size_t Diariser::frame_of_window(std::size_t window) const {
  return static_cast<std::size_t>(std::llround(static_cast<double>(window * hop_) / static_cast<double>(kFrameStep)));
}

/// How many of the windows that there are see a frame.
std::size_t Diariser::windows_seeing(std::size_t frame) const {
  // The last window that begins at or before the frame.
  std::size_t last = std::min(frame * kFrameStep / hop_ + 1, windows_.size() - 1);
  std::size_t seeing = 0;
  while (last > 0 && frame_of_window(last) > frame) --last;
  for (std::size_t count = last + 1; count > 0; --count) {
    const std::size_t begin = frame_of_window(count - 1);
    if (begin + kWindowFrames <= frame) break;
    if (begin <= frame) ++seeing;
  }
  return seeing;
}

double Diariser::expected_speakers(std::size_t frame) const {
  const std::size_t seeing = windows_seeing(frame);
  return seeing == 0 ? 0 : speakers_[frame] / static_cast<double>(seeing);
}

Status Diariser::work(bool ended) {
  for (;;) {
    // Windows that lie within what has come; at the end also those that reach beyond, with zeros behind.
    const std::size_t begin = windows_.size() * hop_;
    std::size_t ready = samples_ >= begin + kWindowSamples ? (samples_ - begin - kWindowSamples) / hop_ + 1 : 0;
    if (ended) {
      const std::size_t beyond = kWindowSamples + kFrameStep;
      const std::size_t all = samples_ > beyond ? (samples_ - beyond + hop_ - 1) / hop_ + 1 : 1;
      ready = all > windows_.size() ? all - windows_.size() : 0;
    }
    if (ready == 0 || (!ended && ready < stages_.windows_at_once)) return ok();
    if (auto made = segment_windows(std::min(ready, stages_.windows_at_once)); !made) return made;
    if (auto made = embed_ready(/*ended=*/false); !made) return made;
  }
}

/// Samples of the recording with zeros on either side.
std::vector<float> Diariser::cut(std::size_t first, std::size_t count) const {
  std::vector<float> part(count);
  const std::size_t end = std::min(first + count, base_ + buffer_.size());
  if (first < end) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(first - base_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end - base_), part.begin());
  }
  return part;
}

std::vector<float> Diariser::cut_piece(std::size_t at) const {
  const std::size_t middle = at * piece_hop_;
  const std::size_t missing = middle < half_piece_ ? half_piece_ - middle : 0;
  std::vector<float> part = cut(middle + missing - half_piece_, 2 * half_piece_ - missing);
  part.insert(part.begin(), missing, 0.0F);
  return part;
}

Status Diariser::segment_windows(std::size_t count) {
  const std::size_t first = windows_.size();
  const std::size_t groups = (count + stages_.windows_in_call - 1) / stages_.windows_in_call;
  std::vector<std::vector<float>> logarithms(count);
  auto done = stages_.for_each(groups, [&](std::size_t group) -> Status {
    const std::size_t begin = group * stages_.windows_in_call;
    const std::size_t end = std::min(begin + stages_.windows_in_call, count);
    std::vector<std::vector<float>> windows;
    for (std::size_t i = begin; i < end; ++i) windows.push_back(cut((first + i) * hop_, kWindowSamples));
    auto values = stages_.segment(windows, interrupt_);
    if (!values) return std::move(values).error();
    std::ranges::move(values.value(), logarithms.begin() + static_cast<std::ptrdiff_t>(begin));
    return ok();
  });
  if (!done) return done;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t frame = frame_of_window(first + i);
    speakers_.resize(std::max(speakers_.size(), frame + kWindowFrames));
    Window& window = windows_.emplace_back();
    for (std::size_t t = 0; t < kWindowFrames; ++t) {
      const float* row = logarithms[i].data() + t * kClasses;
      window.likeliest[t] = static_cast<std::uint8_t>(std::max_element(row, row + kClasses) - row);
      std::array<float, kLocalSpeakers> activity{};
      for (std::size_t c = 1; c < kClasses; ++c) {
        const float p = std::exp(row[c]);
        for (std::size_t s = 0; s < kLocalSpeakers; ++s) activity[s] += kPowerset[c][s] ? p : 0;
      }
      for (std::size_t s = 0; s < kLocalSpeakers; ++s) {
        speakers_[frame + t] += activity[s];
        window.activity[t][s] = static_cast<std::uint16_t>(std::lround(std::min(activity[s], 1.0F) * kFullActivity));
      }
    }
  }
  return ok();
}

/// The share of a piece that is speech; frames from `known` on are not.
double Diariser::speech_share(std::size_t piece, std::size_t known) const {
  const auto middle = static_cast<double>(piece * piece_hop_);
  const auto edge = [&](double samples) {
    return static_cast<std::size_t>(std::clamp(nearest_frame(samples), 0.0, static_cast<double>(known)));
  };
  const std::size_t begin = edge(middle - static_cast<double>(half_piece_));
  const std::size_t end = edge(middle + static_cast<double>(half_piece_));
  std::size_t speech = 0;
  for (std::size_t t = begin; t < end; ++t) speech += expected_speakers(t) > recipe_.voiced ? 1 : 0;
  return static_cast<double>(speech * kFrameStep) / static_cast<double>(2 * half_piece_);
}

/// Whether one local speaker and nobody else talks from one sample to another, pauses aside, in every window that hears
/// all of it.
bool Diariser::one_voice(std::size_t from, std::size_t to) const {
  const std::size_t first = to > kWindowSamples ? (to - kWindowSamples + hop_ - 1) / hop_ : 0;
  const std::size_t last = std::min(from / hop_ + 1, windows_.size());
  for (std::size_t w = first; w < last; ++w) {
    const auto edge = [&](std::size_t sample) {
      const double frame = nearest_frame(static_cast<double>(sample) - static_cast<double>(w * hop_));
      return static_cast<std::size_t>(std::clamp(frame, 0.0, static_cast<double>(kWindowFrames)));
    };
    std::uint8_t voice = kSilence;
    for (std::size_t t = edge(from); t < edge(to); ++t) {
      const std::uint8_t likeliest = windows_[w].likeliest[t];
      if (likeliest == kSilence || likeliest == voice) continue;
      if (voice != kSilence || likeliest > kLocalSpeakers) return false;
      voice = likeliest;
    }
  }
  return first < last;
}

/// Whether a piece lies between two that are embedded, all of it in one voice's speech.
bool Diariser::between_alike(std::size_t piece, std::size_t known) const {
  if (piece % steady_hop_ == 0) return false;
  const std::size_t before = piece - piece % steady_hop_;
  const std::size_t after = before + steady_hop_;
  const std::size_t middle = before * piece_hop_;
  if (after * piece_hop_ >= samples_) return false;
  if (!one_voice(middle - std::min(middle, half_piece_), after * piece_hop_ + half_piece_)) return false;
  for (std::size_t at = before; at <= after; ++at) {
    if (speech_share(at, known) < recipe_.least_speech) return false;
  }
  return true;
}

/// Embeds the pieces that no further window changes, and forgets samples that nothing needs any more. Of pieces between
/// others of one voice the place is kept, for fill_between().
Status Diariser::embed_ready(bool ended) {
  const std::size_t settled = ended ? frames_ : frame_of_window(windows_.size());
  const std::size_t known = std::min(settled, speakers_.size());
  std::vector<std::size_t> wanted;
  std::vector<std::size_t> places;  // of those among the new rows
  std::size_t rows = 0;
  for (;; ++next_piece_) {
    // The last piece that decides whether this one is embedded.
    const std::size_t after = (next_piece_ + steady_hop_ - 1) / steady_hop_ * steady_hop_;
    const double heard = nearest_frame(static_cast<double>(after * piece_hop_ + half_piece_));
    if (ended ? next_piece_ * piece_hop_ >= samples_ : heard > static_cast<double>(settled)) break;
    if (speech_share(next_piece_, known) < recipe_.least_speech) continue;
    pieces_.at.push_back(static_cast<std::uint32_t>(next_piece_));
    if (between_alike(next_piece_, known)) {
      between_.push_back(pieces_.unit.rows + rows);
    } else {
      wanted.push_back(next_piece_);
      places.push_back(rows);
    }
    ++rows;
  }

  const std::size_t groups = (wanted.size() + stages_.pieces_in_call - 1) / stages_.pieces_in_call;
  std::vector<std::vector<std::vector<float>>> embeddings(groups);
  auto done = stages_.for_each(groups, [&](std::size_t group) -> Status {
    const std::size_t first = group * stages_.pieces_in_call;
    const std::size_t end = std::min(first + stages_.pieces_in_call, wanted.size());
    std::vector<std::vector<float>> parts;
    for (std::size_t i = first; i < end; ++i) parts.push_back(cut_piece(wanted[i]));
    const std::vector<std::span<const float>> spans(parts.begin(), parts.end());
    auto made = stages_.embed(spans);
    if (!made) return std::move(made).error();
    embeddings[group] = std::move(made).value();
    return ok();
  });
  if (!done) return done;
  if (!wanted.empty()) pieces_.unit.cols = embeddings[0][0].size();
  const std::size_t first_row = pieces_.unit.rows;
  pieces_.unit.rows += rows;
  pieces_.unit.values.resize(pieces_.unit.rows * pieces_.unit.cols);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    auto& embedding = embeddings[i / stages_.pieces_in_call][i % stages_.pieces_in_call];
    normalise(embedding);
    std::ranges::copy(embedding, pieces_.unit.row(first_row + places[i]).begin());
  }

  const std::size_t middle = next_piece_ * piece_hop_;
  const std::size_t needed = std::min(middle > half_piece_ ? middle - half_piece_ : 0, windows_.size() * hop_);
  if (needed > base_) {
    const std::size_t gone = std::min(needed - base_, buffer_.size());
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(gone));
    base_ += gone;
  }
  return ok();
}

/// A piece between two of one voice is as far from each as it lies from it.
void Diariser::fill_between() {
  for (const std::size_t row : between_) {
    const std::size_t along = pieces_.at[row] % steady_hop_;
    const auto before = pieces_.unit.row(row - along);
    const auto after = pieces_.unit.row(row - along + steady_hop_);
    const auto weight = static_cast<float>(along) / static_cast<float>(steady_hop_);
    const auto unit = pieces_.unit.row(row);
    for (std::size_t d = 0; d < unit.size(); ++d) unit[d] = (1 - weight) * before[d] + weight * after[d];
  }
  between_.clear();
}

Result<Conversation> Diariser::finish(const SpeakerCounts& counts) {
  if (auto made = work(/*ended=*/true); !made) return std::move(made).error();
  const double frames =
      std::ceil((static_cast<double>(samples_) - static_cast<double>(kFrameCentre)) / static_cast<double>(kFrameStep));
  frames_ = static_cast<std::size_t>(std::clamp(frames + 1, 0.0, static_cast<double>(speakers_.size())));
  if (auto made = embed_ready(/*ended=*/true); !made) return std::move(made).error();
  buffer_ = {};
  fill_between();

  const Items items = make_items();
  if (items.window.empty()) return Conversation{};
  if (auto stop = interrupt_.check()) return *std::move(stop);
  const Matrix found = find_speakers(items, pieces_, purities(), recipe_, counts, interrupt_);
  if (auto stop = interrupt_.check()) return *std::move(stop);
  std::vector<Turn> turns = make_turns(items, found);
  if (auto stop = interrupt_.check()) return *std::move(stop);

  // Numbered by who speaks first; who has no turn is no speaker.
  std::vector<std::size_t> number(found.rows, kNobody);
  std::vector<std::size_t> order;
  for (Turn& turn : turns) {
    if (number[turn.speaker] == kNobody) {
      number[turn.speaker] = order.size();
      order.push_back(turn.speaker);
    }
    turn.speaker = number[turn.speaker];
  }
  Conversation result{std::move(turns), order.size(), Matrix(order.size(), found.cols)};
  for (std::size_t k = 0; k < order.size(); ++k)
    std::ranges::copy(found.row(order[k]), result.centroids.row(k).begin());
  return result;
}

/// An item's embedding is the mean of the pieces that lie in its own speech, pure ones weighing most.
Items Diariser::make_items() const {
  Items items;
  if (pieces_.at.empty()) return items;
  const std::size_t dim = pieces_.unit.cols;
  items.unit.cols = dim;
  std::vector<double> own_sums(kWindowFrames + 1);
  std::vector<double> any_sums(kWindowFrames + 1);
  for (std::size_t w = 0; w < windows_.size(); ++w) {
    const std::size_t start = w * hop_;
    // Pieces that reach into the window.
    const std::size_t earliest = start > half_piece_ ? (start - half_piece_) / piece_hop_ : 0;
    const std::size_t latest = (start + kWindowSamples + half_piece_) / piece_hop_ + 1;
    const auto from = std::ranges::lower_bound(pieces_.at, earliest);
    const auto to = std::ranges::lower_bound(pieces_.at, latest);
    const auto first = static_cast<std::size_t>(from - pieces_.at.begin());
    const auto count = static_cast<std::size_t>(to - from);
    for (std::size_t s = 0; s < kLocalSpeakers; ++s) {
      double own = 0;
      double share = 0;
      for (std::size_t t = 0; t < kWindowFrames; ++t) {
        const bool alone = talks_alone(windows_[w].likeliest[t], s);
        own_sums[t + 1] = own_sums[t] + (alone ? 1 : 0);
        any_sums[t + 1] = any_sums[t] + (talks(windows_[w].likeliest[t], s) ? 1 : 0);
        if (!alone) continue;
        own += kFrameSeconds;
        share += kFrameSeconds / static_cast<double>(windows_seeing(frame_of_window(w) + t));
      }
      if (any_sums.back() * kFrameSeconds < recipe_.shortest_item || count == 0) continue;
      std::vector<double> shares(count);
      const auto fill = [&](std::span<const double> sums) {
        for (std::size_t i = 0; i < count; ++i) {
          const double middle = static_cast<double>(pieces_.at[first + i] * piece_hop_) - static_cast<double>(start);
          shares[i] =
              share_of(sums, middle - static_cast<double>(half_piece_), middle + static_cast<double>(half_piece_));
        }
        return *std::ranges::max_element(shares);
      };
      double best = fill(own_sums);
      if (best <= 0) best = fill(any_sums);
      if (best <= 0) continue;
      std::vector<float> mean(dim);
      for (std::size_t i = 0; i < count; ++i) {
        if (shares[i] < std::min(recipe_.full_share, best)) continue;
        const auto weight = static_cast<float>(std::pow(shares[i], recipe_.share_power));
        const auto row = pieces_.unit.row(first + i);
        for (std::size_t d = 0; d < dim; ++d) mean[d] += weight * row[d];
      }
      normalise(mean);
      auto& parts = items.parts.emplace_back();
      for (std::size_t i = 0; i < count; ++i) {
        if (shares[i] < recipe_.pure) continue;
        parts.push_back({static_cast<std::uint32_t>(first + i), static_cast<float>(shares[i])});
      }
      items.window.push_back(w);
      items.local.push_back(s);
      items.own.push_back(own);
      items.share.push_back(share);
      items.unit.values.insert(items.unit.values.end(), mean.begin(), mean.end());
      ++items.unit.rows;
    }
  }
  return items;
}

std::vector<double> Diariser::purities() const {
  std::vector<double> sums(frames_ + 1);
  for (std::size_t t = 0; t < frames_; ++t) {
    const double expected = expected_speakers(t);
    sums[t + 1] = sums[t] + (expected > recipe_.voiced && expected < recipe_.alone ? 1 : 0);
  }
  std::vector<double> purity;
  purity.reserve(pieces_.at.size());
  for (const std::uint32_t at : pieces_.at) {
    const auto middle = static_cast<double>(at * piece_hop_);
    purity.push_back(
        share_of(sums, middle - static_cast<double>(half_piece_), middle + static_cast<double>(half_piece_)));
  }
  return purity;
}

/// Scores every speaker in every frame: the mean over the windows of the local probabilities, plus what the pieces near
/// by say.
std::vector<Turn> Diariser::make_turns(const Items& items, const Matrix& centroids) const {
  const std::size_t k = centroids.rows;
  const auto labels = assign_items(items, centroids, -1, /*everybody=*/true);
  std::vector<std::array<std::size_t, kLocalSpeakers>> speaker_of(windows_.size(), {kNobody, kNobody, kNobody});
  for (std::size_t i = 0; i < labels.size(); ++i) speaker_of[items.window[i]][items.local[i]] = labels[i];

  const std::size_t count = pieces_.at.size();
  std::vector<float> cosines(count * k);
  for (std::size_t p = 0; p < count; ++p) {
    simd::dot_rows(pieces_.unit.row(p).data(), centroids.values.data(), k, centroids.cols, cosines.data() + p * k);
  }

  TurnMaker maker(k, recipe_);
  std::vector<double> score(k);
  std::vector<double> mapped(k);
  std::vector<double> cosine(k);
  std::size_t next = 0;          // the first piece whose middle lies behind the frame
  std::size_t first_window = 0;  // the first window that still sees the frame
  for (std::size_t t = 0; t < frames_; ++t) {
    while (first_window < windows_.size() && frame_of_window(first_window) + kWindowFrames <= t) ++first_window;
    std::ranges::fill(score, 0);
    std::size_t seeing = 0;
    for (std::size_t w = first_window; w < windows_.size() && frame_of_window(w) <= t; ++w, ++seeing) {
      std::ranges::fill(mapped, 0);
      const auto& activity = windows_[w].activity[t - frame_of_window(w)];
      for (std::size_t s = 0; s < kLocalSpeakers; ++s) {
        const std::size_t who = speaker_of[w][s];
        if (who != kNobody) mapped[who] = std::max(mapped[who], static_cast<double>(activity[s]) / kFullActivity);
      }
      for (std::size_t i = 0; i < k; ++i) score[i] += mapped[i];
    }
    for (double& one : score) one /= static_cast<double>(std::max<std::size_t>(seeing, 1));
    if (k > 1) {
      const double time = static_cast<double>(kFrameCentre + t * kFrameStep) / static_cast<double>(piece_hop_);
      while (next < count && pieces_.at[next] <= time) ++next;
      const std::size_t before = next > 0 ? next - 1 : 0;
      const std::size_t after = std::min(next, count - 1);
      const double gap = pieces_.at[after] - static_cast<double>(pieces_.at[before]);
      const double along = gap > 0 ? (time - pieces_.at[before]) / gap : 0;
      double mean = 0;
      for (std::size_t i = 0; i < k; ++i) {
        cosine[i] = (1 - along) * cosines[before * k + i] + along * cosines[after * k + i];
        mean += cosine[i] / static_cast<double>(k);
      }
      for (std::size_t i = 0; i < k; ++i) score[i] = std::max(score[i] + recipe_.beta * (cosine[i] - mean), 0.0);
    }
    maker.add(expected_speakers(t), score);
  }
  return maker.finish(static_cast<double>(samples_) / kSampleRate);
}

}  // namespace timbre::conversation
