// Which parts of a recording are embedded, on signals by formula.
#include "speech/pauses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>
#include <vector>

namespace timbre {
namespace {

constexpr int kRate = 16000;
const PauseRule kRule{.detector = "test", .longest = 0.8, .margin = 0.4, .silence = 1.0 / 32768, .fade = 0.005};

std::size_t at(double seconds, int rate = kRate) { return static_cast<std::size_t>(std::llround(seconds * rate)); }

SampleSpan span(double begin, double end, int rate = kRate) { return {at(begin, rate), at(end, rate)}; }

/// Noise of a recording's room, with a tone where there is speech.
std::vector<float> recording(double seconds, std::span<const SampleSpan> speech, float room = 1e-3F, int rate = kRate) {
  std::mt19937 generator(3);
  std::normal_distribution<float> noise(0, room);
  std::vector<float> samples(at(seconds, rate));
  for (float& x : samples) x = noise(generator);
  for (const SampleSpan& part : speech) {
    for (std::size_t i = part.begin; i < part.end; ++i) {
      samples[i] += 0.2F * static_cast<float>(std::sin(2 * std::numbers::pi * 220 * static_cast<double>(i) / rate));
    }
  }
  return samples;
}

std::vector<SampleSpan> parts(const std::vector<float>& samples, const std::vector<SampleSpan>& speech,
                              std::size_t fewest = 0, int rate = kRate, const PauseRule& rule = kRule) {
  return without_long_pauses(samples, rate, speech, rule, fewest);
}

using Parts = std::vector<SampleSpan>;

TEST(Pauses, RecordingWithoutSpeechStaysWhole) {
  const auto samples = recording(3, {});
  EXPECT_EQ(parts(samples, {}), Parts({{0, samples.size()}}));
}

TEST(Pauses, RecordingWithoutLongPausesStaysWhole) {
  const std::vector<SampleSpan> speech{span(0.4, 1), span(1.8, 2.6)};
  const auto samples = recording(3, speech);
  EXPECT_EQ(parts(samples, speech), Parts({{0, samples.size()}}));
}

TEST(Pauses, LongPauseKeepsHalfOfTheLongestOnEitherSide) {
  const std::vector<SampleSpan> speech{span(1, 2), span(5, 6)};
  EXPECT_EQ(parts(recording(8, speech), speech), Parts({span(0.6, 2.4), span(4.6, 6.4)}));
}

TEST(Pauses, RecordingWhoseSpeechIsAtItsEdgesLosesNothingOfIt) {
  const std::vector<SampleSpan> speech{span(0, 1), span(1.5, 3)};
  const auto samples = recording(3, speech);
  EXPECT_EQ(parts(samples, speech), Parts({{0, samples.size()}}));
}

TEST(Pauses, MarginEndsWhereThereIsNoMoreSound) {
  const std::vector<SampleSpan> speech{span(1, 2), span(5, 6)};
  auto samples = recording(8, speech);
  // Silence that was added: before the recording, in its pause and behind it.
  const auto silence = [&](double from, double to) {
    std::fill(samples.begin() + static_cast<long>(at(from)), samples.begin() + static_cast<long>(at(to)), 0.0F);
  };
  silence(0, 0.9);
  silence(2.1, 4.8);
  silence(6.2, 8);
  EXPECT_EQ(parts(samples, speech), Parts({span(0.9, 2.1), span(4.8, 6.2)}));
}

TEST(Pauses, QuietRoomIsKeptAsAnyRoomIs) {
  const std::vector<SampleSpan> speech{span(1, 2)};
  for (const float room : {1e-2F, 1e-3F, 1e-4F}) {
    EXPECT_EQ(parts(recording(4, speech, room), speech), Parts({span(0.6, 2.4)})) << room;
  }
  EXPECT_EQ(parts(recording(4, speech, 1e-6F), speech), Parts({span(1, 2)})) << "below one step of 16-bit audio";
}

TEST(Pauses, AddedSilenceOfAnyLengthGivesTheSameParts) {
  const std::vector<SampleSpan> speech{span(1, 2)};
  const auto short_one = parts(recording(4, speech), speech);
  for (const double added : {10.0, 30.0, 60.0}) {
    const std::vector<SampleSpan> later{span(1 + added, 2 + added)};
    const auto found = parts(recording(4 + 2 * added, later), later);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].begin - at(added), short_one[0].begin);
    EXPECT_EQ(found[0].end - at(added), short_one[0].end);
  }
}

TEST(Pauses, RulesAreInSecondsAtEveryRate) {
  for (const int rate : {8000, 16000, 48000}) {
    const std::vector<SampleSpan> speech{span(1, 2, rate), span(5, 6, rate)};
    EXPECT_EQ(parts(recording(8, speech, 1e-3F, rate), speech, 0, rate),
              Parts({span(0.6, 2.4, rate), span(4.6, 6.4, rate)}))
        << rate;
  }
}

TEST(Pauses, WhatAModelNeedsIsKept) {
  const std::vector<SampleSpan> word{span(2, 2.1)};
  const auto silent = recording(4, word, 1e-6F);
  EXPECT_EQ(parts(silent, word, at(1)), Parts({span(1.55, 2.55)}));
  const std::vector<SampleSpan> first{span(0, 0.1)};
  EXPECT_EQ(parts(recording(4, first, 1e-6F), first, at(1)), Parts({span(0, 1)}));
  const std::vector<SampleSpan> last{span(3.9, 4)};
  EXPECT_EQ(parts(recording(4, last, 1e-6F), last, at(1)), Parts({span(3, 4)}));
  const std::vector<SampleSpan> both{span(0, 0.1), span(3.9, 4)};
  EXPECT_EQ(parts(recording(4, both, 1e-6F), both, at(1)), Parts({{0, at(4)}})) << "only the pause between is left";
  EXPECT_EQ(parts(silent, word, at(9)), Parts({{0, at(4)}})) << "more than there is";
}

TEST(KeepParts, OnePartIsCopiedAsItIs) {
  std::vector<float> samples{1, 2, 3, 4, 5};
  keep_parts(samples, Parts({{1, 4}}), 2);
  EXPECT_THAT(samples, testing::ElementsAre(2, 3, 4));
}

TEST(KeepParts, JointsAreFadedAndClickNot) {
  // Two stretches of a slow tone that do not fit together.
  std::vector<float> samples(4000);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<float>(std::cos(2 * std::numbers::pi * static_cast<double>(i) / 2000));
  }
  constexpr std::size_t kFade = 80;
  auto steepest = [&](std::size_t fade) {
    auto joined = samples;
    keep_parts(joined, Parts({{0, 1000}, {2000, 3000}}), fade);
    EXPECT_EQ(joined.size(), 2000 - fade);
    float most = 0;
    for (std::size_t i = 1; i < joined.size(); ++i) most = std::max(most, std::abs(joined[i] - joined[i - 1]));
    return most;
  };
  EXPECT_GT(steepest(0), 1.5F) << "a click";
  EXPECT_LT(steepest(kFade), 0.2F);
}

TEST(KeepParts, NoiseKeepsItsLevelOverAJoint) {
  std::mt19937 generator(5);
  std::normal_distribution<float> normal;
  double sum = 0;
  constexpr std::size_t kFade = 400;
  constexpr int kTimes = 50;
  for (int i = 0; i < kTimes; ++i) {
    std::vector<float> samples(3000);
    for (float& x : samples) x = normal(generator);
    keep_parts(samples, Parts({{0, 1000}, {2000, 3000}}), kFade);
    for (std::size_t j = 1000 - kFade; j < 1000; ++j) sum += static_cast<double>(samples[j]) * samples[j];
  }
  EXPECT_NEAR(sum / (kTimes * kFade), 1, 0.05);
}

TEST(KeepParts, PartsShorterThanTheFadeAreJoinedOverWhatThereIs) {
  std::vector<float> samples(100, 1.0F);
  keep_parts(samples, Parts({{0, 3}, {50, 52}, {60, 90}}), 10);
  EXPECT_EQ(samples.size(), 3U + 2 - 2 + 30 - 3);
  for (const float x : samples) EXPECT_TRUE(std::isfinite(x));
}

TEST(Speech, TellsWhereTheSpeechLiesInSamplesOfTheRecording) {
  // A detector of 8 kHz that hears everything from the second frame to the fourth.
  class Scripted final : public SpeechDetector {
   public:
    int sample_rate() const override { return 8000; }
    std::size_t frame() const override { return 800; }
    Result<std::vector<float>> probabilities(std::span<const float> samples, const Interrupt&) const override {
      std::vector<float> found((samples.size() + frame() - 1) / frame(), 0.0F);
      for (std::size_t i = 1; i < 4 && i < found.size(); ++i) found[i] = 1;
      return found;
    }
  };
  const std::vector<float> samples(16000, 0.1F);
  const auto report = measure_speech(samples, 16000, Scripted());
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report.value().spans, Parts({{1600, 6400}}));
}

}  // namespace
}  // namespace timbre
