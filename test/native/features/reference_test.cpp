// Features against other people's code, on the committed vectors (test/fixtures/features/make.py).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "features/front_end.h"
#include "npz.h"

namespace timbre {
namespace {

using testing::NpyArray;
using testing::Npz;

struct Family {
  std::string name;
  FrontEndConfig config;
  float bound;  ///< largest difference of a feature
};

FrontEndConfig kaldi(const std::string& window, double scale) {
  return {"kaldi", 16000, 400, 160, 512, window, 80, 20, 8000, scale, 0.97, true, 1.1920928955078125e-07, 0, true};
}

const Family kFamilies[] = {
    {"speechbrain",
     {"speechbrain", 16000, 400, 160, 400, "hamming_periodic", 80, 0, 8000, 1, 0, false, 1e-10, 80, true},
     2e-3F},
    {"wespeaker", kaldi("hamming", 32768), 1e-4F},
    // A pure tone leaves bands of rounding alone: the reference itself is 1.3e-4 from what double precision gives
    // there.
    {"3dspeaker", kaldi("povey", 1), 2e-4F},
    {"taoruijie",
     {"taoruijie", 16000, 400, 160, 512, "hamming_periodic", 80, 20, 7600, 1, 0.97, false, 1e-6, 0, true},
     5e-3F}};

const Npz& vectors() {
  static const Npz npz(TIMBRE_FIXTURES "/features/vectors.npz");
  return npz;
}

std::vector<float> samples(const std::string& signal) {
  std::vector<float> values = vectors().read("samples/" + signal).values;
  for (float& value : values) {
    value /= 32768;
  }
  return values;
}

std::unique_ptr<const FrontEnd> create(const FrontEndConfig& config) {
  auto front_end = FrontEnd::create(config);
  EXPECT_TRUE(front_end) << front_end.error().message;
  return std::move(front_end).value();
}

class ReferenceTest : public ::testing::TestWithParam<Family> {};

TEST_P(ReferenceTest, AgreesWithTheFamilysOwnFeatures) {
  const Family& family = GetParam();
  const auto front_end = create(family.config);
  for (const std::string signal : {"voice", "noise", "tone"}) {
    SCOPED_TRACE(signal);
    const auto features = front_end->compute(samples(signal));
    ASSERT_TRUE(features) << features.error().message;
    const NpyArray expected = vectors().read("features/" + family.name + "/" + signal);
    ASSERT_EQ(features.value().rows, expected.shape[0]);
    ASSERT_EQ(features.value().cols, expected.shape[1]);
    float worst = 0;
    for (std::size_t i = 0; i < expected.values.size(); ++i) {
      worst = std::max(worst, std::abs(features.value().values[i] - expected.values[i]));
    }
    EXPECT_LE(worst, family.bound);
    RecordProperty("worst_" + signal, std::to_string(worst));
  }
}

TEST(Kaldi, DoesTheSameToLongWindowsAsToUsualOnes) {
  // Every sample four times, at four times the rate: 2,048 points where 512 were, the same filters.
  const std::vector<float> voice = samples("voice");
  std::vector<float> stretched;
  for (const float value : voice) stretched.insert(stretched.end(), 4, value);
  FrontEndConfig usual = kaldi("povey", 1);
  usual.high_hz = 2000;
  usual.preemphasis = 0;
  usual.mel_bins = 20;
  FrontEndConfig long_windows = usual;
  long_windows.sample_rate *= 4;
  long_windows.frame_length *= 4;
  long_windows.frame_shift *= 4;
  long_windows.fft_length *= 4;
  const Matrix expected = create(usual)->compute(voice).value();
  const Matrix found = create(long_windows)->compute(stretched).value();
  ASSERT_EQ(found.rows, expected.rows);
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    // Held samples are the same voice below a quarter of the rate, but for a slope of the spectrum.
    ASSERT_NEAR(found.values[i], expected.values[i], 0.25F) << i;
  }
}

TEST_P(ReferenceTest, CountsFramesAndSamplesConsistently) {
  const auto front_end = create(GetParam().config);
  for (std::size_t frames = 1; frames <= 40; ++frames) {
    const std::size_t needed = front_end->samples_for(frames);
    EXPECT_GE(front_end->frames(needed), frames);
    // Two rules meet in the shortest recording: enough samples for a frame, and for mirroring its edges.
    if (needed > front_end->samples_for(1)) {
      EXPECT_LT(front_end->frames(needed - 1), frames);
    }
    const auto features = front_end->compute(std::vector<float>(needed, 0.25F));
    ASSERT_TRUE(features) << features.error().message;
    EXPECT_EQ(features.value().rows, front_end->frames(needed));
  }
}

TEST_P(ReferenceTest, RefusesLessThanOneFrame) {
  const auto front_end = create(GetParam().config);
  for (const std::size_t count : {std::size_t{0}, front_end->samples_for(1) - 1}) {
    const auto features = front_end->compute(std::vector<float>(count, 0.25F));
    ASSERT_FALSE(features);
    EXPECT_EQ(features.error().code, ErrorCode::AUDIO_TOO_SHORT);
  }
}

TEST_P(ReferenceTest, GivesTheSameInEveryThread) {
  const auto front_end = create(GetParam().config);
  const std::vector<float> voice = samples("voice");
  const std::vector<float> alone = front_end->compute(voice).value().values;
  std::vector<std::vector<float>> found(4);
  std::vector<std::thread> threads;
  for (auto& values : found) {
    threads.emplace_back([&] { values = front_end->compute(voice).value().values; });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_THAT(found, ::testing::Each(alone));
}

INSTANTIATE_TEST_SUITE_P(Families, ReferenceTest, ::testing::ValuesIn(kFamilies), [](const auto& test) {
  return test.param.name == "3dspeaker" ? std::string("threeDspeaker") : test.param.name;
});

// ------------------------------------------------------------------------------------------- parameters at fault

struct Fault {
  std::string parameter;
  void (*set)(FrontEndConfig&);
};

class FrontEndConfigTest : public ::testing::TestWithParam<Fault> {};

TEST_P(FrontEndConfigTest, NamesTheParameterAtFault) {
  FrontEndConfig config = kFamilies[0].config;
  GetParam().set(config);
  const auto front_end = FrontEnd::create(config);
  ASSERT_FALSE(front_end);
  EXPECT_EQ(front_end.error().code, ErrorCode::MODEL_INVALID);
  EXPECT_THAT(front_end.error().message, ::testing::HasSubstr(GetParam().parameter));
}

const Fault kFaults[] = {{"type", [](FrontEndConfig& c) { c.type = "mfcc"; }},
                         {"window", [](FrontEndConfig& c) { c.window = "hann"; }},
                         {"fftLength", [](FrontEndConfig& c) { c.fft_length = 512; }},
                         {"preemphasis", [](FrontEndConfig& c) { c.preemphasis = 0.5; }},
                         {"removeDc", [](FrontEndConfig& c) { c.remove_dc = true; }},
                         {"frameShift", [](FrontEndConfig& c) { c.frame_shift = 0; }},
                         {"melBins", [](FrontEndConfig& c) { c.mel_bins = 0; }},
                         {"highHz", [](FrontEndConfig& c) { c.high_hz = 9000; }}};

INSTANTIATE_TEST_SUITE_P(Parameters, FrontEndConfigTest, ::testing::ValuesIn(kFaults),
                         [](const auto& test) { return test.param.parameter; });

}  // namespace
}  // namespace timbre
