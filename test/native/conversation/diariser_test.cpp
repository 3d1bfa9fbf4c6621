// Recordings whose samples say who speaks, and stages that read it off them: what is tested is all that lies between.
#include "conversation/diariser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <map>
#include <numeric>
#include <thread>
#include <tuple>

#include "conversation/linkage.h"

namespace timbre::conversation {
namespace {

constexpr std::size_t kPeople = 8;
constexpr std::size_t kDim = 16;

struct Speech {
  double start;
  double end;
  std::size_t person;
};

/// A sample is the set of who speaks, a bit for each person, of 256.
std::vector<float> record(double seconds, const std::vector<Speech>& speech) {
  std::vector<unsigned> sets(static_cast<std::size_t>(seconds * kSampleRate));
  for (const Speech& one : speech) {
    const auto end = std::min(static_cast<std::size_t>(one.end * kSampleRate), sets.size());
    for (auto i = static_cast<std::size_t>(one.start * kSampleRate); i < end; ++i) sets[i] |= 1U << one.person;
  }
  std::vector<float> samples;
  for (const unsigned set : sets) samples.push_back(static_cast<float>(set) / 256);
  return samples;
}

unsigned set_of(float sample) { return static_cast<unsigned>(std::lround(sample * 256)); }

/// Local speakers are numbered anew in every window, by who is heard first.
std::vector<float> segment_one(std::span<const float> window) {
  constexpr float kSure = 0.94F;
  constexpr float kElse = 0.01F;
  std::map<std::size_t, std::size_t> local;
  std::vector<float> logarithms(kWindowFrames * kClasses, std::log(kElse));
  for (std::size_t t = 0; t < kWindowFrames; ++t) {
    const unsigned set = set_of(window[kFrameCentre + t * kFrameStep]);
    std::array<bool, kLocalSpeakers> talking{};
    for (std::size_t person = 0; person < kPeople; ++person) {
      if ((set >> person & 1U) == 0) continue;
      const std::size_t number = local.emplace(person, local.size()).first->second;
      if (number < kLocalSpeakers) talking[number] = true;
    }
    const auto found = std::ranges::find(kPowerset, talking);
    logarithms[t * kClasses + static_cast<std::size_t>(found - kPowerset.begin())] = std::log(kSure);
  }
  return logarithms;
}

Result<std::vector<std::vector<float>>> segment(std::span<const std::vector<float>> windows, const Interrupt&) {
  std::vector<std::vector<float>> logarithms;
  for (const auto& window : windows) logarithms.push_back(segment_one(window));
  return logarithms;
}

/// Everybody has an axis; a piece is the mean of those who speak in it. 16 times as long as a unit vector.
Result<std::vector<std::vector<float>>> embed(std::span<const std::span<const float>> pieces) {
  std::vector<std::vector<float>> embeddings;
  for (const auto piece : pieces) {
    std::vector<float> sum(kDim);
    sum[kDim - 1] = 1;  // what all voices share
    for (std::size_t i = 0; i < piece.size(); i += 100) {
      for (unsigned set = set_of(piece[i]); set != 0; set &= set - 1) sum[std::countr_zero(set)] += 1;
    }
    normalise(sum);
    for (float& value : sum) value *= 16;
    embeddings.push_back(std::move(sum));
  }
  return embeddings;
}

Status one_by_one(std::size_t count, const std::function<Status(std::size_t)>& body) {
  for (std::size_t i = 0; i < count; ++i) {
    if (auto done = body(i); !done) return done;
  }
  return ok();
}

/// The recipe for the project's own networks.
const Recipe kWithWindows = recipe_for("timbre");

Diariser::Stages stages_of(Segment segmenting = segment, EmbedPieces embedding = embed) {
  return {.segment = std::move(segmenting), .embed = std::move(embedding), .for_each = one_by_one};
}

const Diariser::Stages kStages = stages_of();

Result<Conversation> diarise(const std::vector<float>& samples, std::size_t block = 16384,
                             const SpeakerCounts& counts = {}, const Diariser::Stages& stages = kStages,
                             const Recipe& recipe = {}) {
  Diariser diariser(recipe, stages);
  for (std::size_t from = 0; from < samples.size(); from += block) {
    const auto part = std::span(samples).subspan(from, std::min(block, samples.size() - from));
    if (auto added = diariser.add(part); !added) return std::move(added).error();
  }
  return diariser.finish(counts);
}

/// Seconds in which a turn of `found` and the speech of a person both are, summed.
double common(const Conversation& found, std::size_t speaker, const std::vector<Speech>& speech, std::size_t person) {
  double sum = 0;
  for (const Turn& turn : found.turns) {
    for (const Speech& one : speech) {
      if (turn.speaker != speaker || one.person != person) continue;
      sum += std::max(std::min(turn.end, one.end) - std::max(turn.start, one.start), 0.0);
    }
  }
  return sum;
}

double seconds_of(const Conversation& found) {
  double sum = 0;
  for (const Turn& turn : found.turns) sum += turn.end - turn.start;
  return sum;
}

double seconds_of(const std::vector<Speech>& speech) {
  double sum = 0;
  for (const Speech& one : speech) sum += one.end - one.start;
  return sum;
}

/// Every person is one speaker, numbered by who is first, and the edges are where they belong.
void expect_found(const Conversation& found, const std::vector<Speech>& speech, std::size_t people) {
  ASSERT_EQ(found.speakers, people);
  double right = 0;
  for (std::size_t person = 0; person < people; ++person) right += common(found, person, speech, person);
  EXPECT_GT(right, 0.98 * seconds_of(speech));
  EXPECT_LT(seconds_of(found), 1.02 * seconds_of(speech));
}

/// People one after the other, 3 to 5 s each, half a second apart.
std::vector<Speech> in_turn(std::size_t people, double seconds) {
  std::vector<Speech> speech;
  double time = 0.5;
  for (std::size_t i = 0; time < seconds - 6; ++i) {
    const double length = 3 + static_cast<double>(i % 3);
    speech.push_back({time, time + length, i % people});
    time += length + 0.5;
  }
  return speech;
}

TEST(Diariser, FindsWhoSpokeWhen) {
  const auto speech = in_turn(3, 90);
  const auto found = diarise(record(90, speech));
  ASSERT_TRUE(found);
  expect_found(found.value(), speech, 3);
  EXPECT_EQ(found.value().turns.size(), speech.size());
  for (std::size_t i = 0; i < speech.size(); ++i) {
    EXPECT_NEAR(found.value().turns[i].start, speech[i].start, 0.02);
    EXPECT_NEAR(found.value().turns[i].end, speech[i].end, 0.02);
  }
}

TEST(Diariser, TakesAVoiceForOneThatChangesWithinWindows) {
  // Persons 0 and 1 are one who changes to another line every 24 s, on which the voice has a cosine of 0.4 with before.
  std::vector<Speech> speech;
  for (std::size_t i = 0; i < 30; ++i) {
    const double start = 0.5 + 4 * static_cast<double>(i);
    speech.push_back({start, start + 3.5, i / 6 % 2});
  }
  const auto samples = record(122, speech);
  const auto changed = [](std::span<const std::span<const float>> pieces) {
    auto embeddings = embed(pieces);
    for (auto& row : embeddings.value()) {
      row[0] += 0.4F * row[1];
      row[1] *= std::sqrt(1 - 0.4F * 0.4F);
    }
    return embeddings;
  };
  const auto one_line = [](std::span<const std::vector<float>> windows, const Interrupt& interrupt) {
    std::vector<std::vector<float>> merged(windows.begin(), windows.end());
    for (auto& window : merged) {
      for (float& sample : window) sample = set_of(sample) == 0 ? 0 : 1.0F / 256;
    }
    return segment(merged, interrupt);
  };
  const auto found = diarise(samples, 16384, {}, stages_of(one_line, changed), kWithWindows);
  ASSERT_TRUE(found);
  EXPECT_EQ(found.value().speakers, 1U);
  // The same where windows hear two.
  const auto two = diarise(samples, 16384, {}, stages_of(segment, changed), kWithWindows);
  ASSERT_TRUE(two);
  expect_found(two.value(), speech, 2);
}

TEST(Diariser, KeepsApartMorePeopleThanAWindowHas) {
  const auto speech = in_turn(8, 240);
  const auto found = diarise(record(240, speech));
  ASSERT_TRUE(found);
  expect_found(found.value(), speech, 8);
}

TEST(Diariser, TellsWhoSpeaksAtTheSameTime) {
  std::vector<Speech> speech = in_turn(2, 60);
  speech.push_back({speech[2].start + 1, speech[2].start + 2.5, 1});
  const auto found = diarise(record(60, speech));
  ASSERT_TRUE(found);
  expect_found(found.value(), speech, 2);
  double overlap = 0;
  for (const Turn& turn : found.value().turns) overlap += turn.overlap;
  EXPECT_NEAR(overlap, 2 * 1.5, 0.1);
}

TEST(Diariser, GivesTheSameWhateverTheBlocksAre) {
  const auto samples = record(63.7, in_turn(3, 63));
  const auto whole = diarise(samples, samples.size());
  ASSERT_TRUE(whole);
  for (const std::size_t block : {977U, 16384U, 160000U}) {
    const auto found = diarise(samples, block);
    ASSERT_TRUE(found);
    ASSERT_EQ(found.value().turns.size(), whole.value().turns.size());
    for (std::size_t i = 0; i < whole.value().turns.size(); ++i) {
      EXPECT_DOUBLE_EQ(found.value().turns[i].start, whole.value().turns[i].start);
      EXPECT_DOUBLE_EQ(found.value().turns[i].end, whole.value().turns[i].end);
      EXPECT_EQ(found.value().turns[i].speaker, whole.value().turns[i].speaker);
    }
  }
}

TEST(Diariser, GivesTheSameOnSeveralThreads) {
  Diariser::Stages stages = kStages;
  stages.windows_at_once = 5;
  stages.pieces_in_call = 3;
  stages.for_each = [](std::size_t count, const std::function<Status(std::size_t)>& body) -> Status {
    std::vector<std::thread> threads;
    std::atomic<bool> failed = false;
    for (std::size_t i = count; i-- > 0;) {
      threads.emplace_back([&, i] {
        if (!body(i)) failed = true;
      });
    }
    for (std::thread& thread : threads) thread.join();
    return failed ? Status(Error{ErrorCode::INTERNAL, "failed"}) : ok();
  };
  const auto speech = in_turn(3, 90);
  const auto found = diarise(record(90, speech), 16384, {}, stages);
  ASSERT_TRUE(found);
  expect_found(found.value(), speech, 3);
}

TEST(Diariser, TakesCountsAsGiven) {
  const auto speech = in_turn(4, 120);
  const auto samples = record(120, speech);
  const auto two = diarise(samples, 16384, {.least = 1, .most = 2});
  ASSERT_TRUE(two);
  EXPECT_EQ(two.value().speakers, 2U);
  const auto one = diarise(samples, 16384, {.least = 1, .most = 1});
  ASSERT_TRUE(one);
  EXPECT_EQ(one.value().speakers, 1U);
  EXPECT_NEAR(seconds_of(one.value()), seconds_of(speech), 1);
  const auto four = diarise(samples, 16384, {.least = 4, .most = 4});
  ASSERT_TRUE(four);
  expect_found(four.value(), speech, 4);
}

TEST(Diariser, FindsAStrangerWhoSaysOneWord) {
  std::vector<Speech> speech = in_turn(2, 30);
  speech.push_back({30, 31, 2});
  const auto found = diarise(record(33, speech));
  ASSERT_TRUE(found);
  EXPECT_EQ(found.value().speakers, 3U);
  EXPECT_NEAR(common(found.value(), 2, speech, 2), 1, 0.1);
}

TEST(Diariser, AsksMoreOfAStrangerTheMoreSpeechThereIs) {
  for (const auto& [seconds, word, speakers] :
       std::vector<std::tuple<double, double, std::size_t>>{{30, 1, 3}, {90, 1, 2}, {90, 2.5, 3}, {900, 2.5, 3}}) {
    std::vector<Speech> speech = in_turn(2, seconds);
    speech.push_back({seconds, seconds + word, 2});
    const auto found = diarise(record(seconds + 4, speech), 16384, {}, kStages, kWithWindows);
    ASSERT_TRUE(found);
    EXPECT_EQ(found.value().speakers, speakers) << word << " s of " << seconds;
  }
}

TEST(Diariser, FindsNobodyInSilenceAndInNothing) {
  for (const double seconds : {0.0, 0.001, 0.5, 30.0}) {
    const auto found = diarise(record(seconds, {}));
    ASSERT_TRUE(found) << seconds;
    EXPECT_EQ(found.value().speakers, 0U);
    EXPECT_TRUE(found.value().turns.empty());
  }
}

TEST(Diariser, FindsOneWordInAShortRecording) {
  const auto found = diarise(record(1.2, {{0.2, 0.9, 0}}));
  ASSERT_TRUE(found);
  ASSERT_EQ(found.value().turns.size(), 1U);
  EXPECT_NEAR(found.value().turns[0].start, 0.2, 0.02);
  EXPECT_NEAR(found.value().turns[0].end, 0.9, 0.02);
}

TEST(Diariser, HearsSpeechUpToTheEnd) {
  for (const double seconds : {9.99, 10.0, 10.02, 12.49, 12.52, 23.7}) {
    const auto found = diarise(record(seconds, {{1, seconds, 0}}));
    ASSERT_TRUE(found);
    ASSERT_EQ(found.value().turns.size(), 1U) << seconds;
    EXPECT_NEAR(found.value().turns[0].end, seconds, 0.04) << seconds;
    EXPECT_LE(found.value().turns[0].end, seconds);
  }
}

TEST(Diariser, EmbedsWhatIsSpeechAndNothingElse) {
  std::atomic<std::size_t> embedded = 0;
  Diariser::Stages stages = kStages;
  stages.embed = [&](std::span<const std::span<const float>> pieces) {
    for (const auto piece : pieces) {
      EXPECT_EQ(piece.size(), 24000U);
      EXPECT_TRUE(std::ranges::any_of(piece, [](float x) { return x != 0; }));
    }
    embedded += pieces.size();
    return embed(pieces);
  };
  ASSERT_TRUE(diarise(record(100, {{40, 60, 0}}), 16384, {}, stages));
  EXPECT_GE(embedded, 40U);
  EXPECT_LE(embedded, 44U);
}

/// The recipe with one of so many pieces embedded in the midst of one voice's speech.
Recipe steady(int hop) {
  Recipe recipe;
  recipe.steady_hop = hop;
  return recipe;
}

/// Stages that note the place of every piece that is embedded, in hops.
Diariser::Stages noting(std::vector<std::size_t>& places) {
  Diariser::Stages stages = kStages;
  stages.embed = [&](std::span<const std::span<const float>> pieces) {
    // Samples of a ramp say where they are: the middle of a piece of 1.5 s is that many.
    for (const auto piece : pieces) places.push_back(static_cast<std::size_t>(std::lround(piece[12000] * 1024)));
    return Result<std::vector<std::vector<float>>>(
        std::vector<std::vector<float>>(pieces.size(), std::vector<float>(kDim, 1)));
  };
  return stages;
}

TEST(Diariser, EmbedsOneOfSoManyPiecesOfOneVoice) {
  for (const int hop : {2, 3, 4}) {
    std::vector<float> samples(30 * kSampleRate);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      samples[i] = static_cast<float>(i / 8000) / 1024;  // NOLINT(bugprone-integer-division): in whole hops
    }
    std::vector<std::size_t> places;
    Diariser::Stages stages = noting(places);
    // One local speaker, but for four seconds from 12 s on in which two talk.
    stages.segment = [first = 0](std::span<const std::vector<float>> windows, const Interrupt&) mutable {
      std::vector<std::vector<float>> logarithms;
      for (std::size_t i = 0; i < windows.size(); ++i, ++first) {
        auto& rows = logarithms.emplace_back(kWindowFrames * kClasses, std::log(0.01F));
        for (std::size_t t = 0; t < kWindowFrames; ++t) {
          const double time = 2.5 * first + static_cast<double>(t) * 270 / kSampleRate;
          const std::size_t likeliest = time >= 12 && time < 16 ? 4 : 1;
          rows[t * kClasses + likeliest] = std::log(0.94F);
        }
      }
      return Result<std::vector<std::vector<float>>>(std::move(logarithms));
    };
    ASSERT_TRUE(diarise(samples, 16384, {}, stages, steady(hop)));
    std::ranges::sort(places);
    const auto there = [&](std::size_t place) { return std::ranges::binary_search(places, place); };
    for (std::size_t place = 0; place < 60; ++place) {
      const std::size_t before = place - place % hop;
      const std::size_t behind = before + (place == before ? 0 : hop);
      // Seconds that the pieces before and behind hear.
      const double from = std::max(0.5 * static_cast<double>(before) - 0.75, 0.0);
      const double to = 0.5 * static_cast<double>(behind) + 0.75;
      const bool one_voice = to < 11.9 || (from > 16.1 && behind < 60);
      EXPECT_EQ(there(place), !one_voice || place == before) << "piece " << place << " of every " << hop;
    }
  }
}

TEST(Diariser, FindsTheSameTurnsWithFewerPieces) {
  const auto speech = in_turn(3, 120);
  const auto all = diarise(record(120, speech), 16384, {}, kStages, steady(1));
  const auto fewer = diarise(record(120, speech), 16384, {}, kStages, steady(2));
  ASSERT_TRUE(all);
  ASSERT_TRUE(fewer);
  expect_found(fewer.value(), speech, 3);
  EXPECT_EQ(fewer.value().turns.size(), all.value().turns.size());
  // Nor does it matter in which blocks samples come.
  const auto at_once = diarise(record(120, speech), 120 * kSampleRate, {}, kStages, steady(2));
  ASSERT_TRUE(at_once);
  EXPECT_EQ(at_once.value().centroids.values, fewer.value().centroids.values);
}

TEST(Diariser, SegmentsWindowsOfACallTogether) {
  const auto speech = in_turn(3, 120);
  const auto alone = diarise(record(120, speech));
  std::vector<std::size_t> sizes;
  Diariser::Stages stages = kStages;
  stages.windows_in_call = 4;
  stages.segment = [&](std::span<const std::vector<float>> windows, const Interrupt& interrupt) {
    sizes.push_back(windows.size());
    return segment(windows, interrupt);
  };
  const auto together = diarise(record(120, speech), 16384, {}, stages);
  ASSERT_TRUE(together);
  EXPECT_EQ(together.value().centroids.values, alone.value().centroids.values);
  EXPECT_EQ(*std::ranges::max_element(sizes), 4U);
  EXPECT_EQ(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}), 45U);
}

TEST(Diariser, AnswersWithTheErrorOfAStage) {
  Diariser::Stages stages = kStages;
  stages.segment = [](std::span<const std::vector<float>>,
                      const Interrupt&) -> Result<std::vector<std::vector<float>>> {
    return Error{ErrorCode::INFERENCE_FAILED, "no"};
  };
  EXPECT_EQ(diarise(record(60, in_turn(2, 60)), 16384, {}, stages).error().code, ErrorCode::INFERENCE_FAILED);
  stages = kStages;
  stages.embed = [](std::span<const std::span<const float>>) -> Result<std::vector<std::vector<float>>> {
    return Error{ErrorCode::ABORTED, "no"};
  };
  EXPECT_EQ(diarise(record(60, in_turn(2, 60)), 16384, {}, stages).error().code, ErrorCode::ABORTED);
}

TEST(Diariser, StopsWhileSpeakersAreLookedFor) {
  Interrupt interrupt;
  Diariser diariser(Recipe(), kStages, interrupt);
  ASSERT_TRUE(diariser.add(record(60, in_turn(2, 60))));
  interrupt.cancel();
  EXPECT_EQ(diariser.finish({}).error().code, ErrorCode::ABORTED);
}

TEST(Diariser, BeginsAnew) {
  const auto speech = in_turn(3, 90);
  Diariser diariser(Recipe(), kStages);
  ASSERT_TRUE(diariser.add(record(77, in_turn(5, 77))));
  diariser.restart();
  ASSERT_TRUE(diariser.add(record(90, speech)));
  const auto found = diariser.finish({});
  ASSERT_TRUE(found);
  expect_found(found.value(), speech, 3);
}

TEST(Diariser, NeedsLessThan45MegabytesForAnHour) {
  const auto bytes = [](double seconds) { return static_cast<double>(Diariser::bytes(Recipe(), seconds, 192, 16)); };
  EXPECT_LT(bytes(3600) - bytes(0), 45e6);
  EXPECT_LT(bytes(0), 10e6);
}

TEST(Diariser, KeepsNoMoreOfThePastThanItNeeds) {
  // An hour of one voice: samples alone would be 230 MB.
  Diariser diariser(Recipe(), kStages);
  const auto minute = record(60, {{0, 60, 0}});
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(diariser.add(minute));
    EXPECT_LT(diariser.held_samples(), 16 * 40000 + 2 * kWindowSamples + minute.size());
  }
}

}  // namespace
}  // namespace timbre::conversation
