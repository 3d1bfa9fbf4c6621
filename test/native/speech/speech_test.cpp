// Net speech and quality on signals by formula, and on real speech and noise where they lie beside the project.
#include "speech/speech.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "audio/decode.h"

namespace timbre {
namespace {

constexpr int kRate = 16000;

using Samples = std::vector<float>;

Samples noise(double seconds, float amplitude, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-amplitude, amplitude);
  Samples samples(static_cast<std::size_t>(seconds * kRate));
  for (float& x : samples) x = uniform(random);
  return samples;
}

Samples sine(double hz, double seconds, double amplitude) {
  Samples samples(static_cast<std::size_t>(seconds * kRate));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<float>(amplitude * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / kRate));
  }
  return samples;
}

SpeechReport measured(const Samples& samples, int rate = kRate) {
  const auto detector = silero_detector();
  const auto report = measure_speech(samples, rate, *detector);
  EXPECT_TRUE(report);
  return report ? report.value() : SpeechReport{};
}

/// Says that there is speech where a test wants it.
class Script final : public SpeechDetector {
 public:
  explicit Script(std::vector<float> probabilities) : probabilities_(std::move(probabilities)) {}
  int sample_rate() const override { return kRate; }
  std::size_t frame() const override { return 512; }
  Result<std::vector<float>> probabilities(std::span<const float> samples, const Interrupt&) const override {
    EXPECT_EQ((samples.size() + 511) / 512, probabilities_.size());
    return probabilities_;
  }

 private:
  const std::vector<float> probabilities_;
};

TEST(SpeechSpans, BeginHighAndEndLow) {
  const std::vector<float> p = {0.1F, 0.4F, 0.6F, 0.4F, 0.36F, 0.45F, 0.3F, 0.1F, 0.1F, 0.1F, 0.1F};
  const auto spans = speech_spans(p, 0.032);
  ASSERT_EQ(spans.size(), 1U);
  EXPECT_EQ(spans[0].begin, 2U);
  EXPECT_EQ(spans[0].end, 6U);
}

TEST(SpeechSpans, BridgeShortPausesAndForgetClicks) {
  const std::vector<float> bridged = {1, 1, 0, 0, 1, 1, 0, 0, 0, 0};
  ASSERT_EQ(speech_spans(bridged, 0.04).size(), 1U);
  EXPECT_EQ(speech_spans(bridged, 0.04)[0].end, 6U);
  const std::vector<float> parted = {1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1};
  EXPECT_EQ(speech_spans(parted, 0.032).size(), 2U);
  const std::vector<float> click = {0, 0, 1, 0, 0, 0, 0};
  EXPECT_TRUE(speech_spans(click, 0.032).empty());
  EXPECT_TRUE(speech_spans({}, 0.032).empty());
}

TEST(Report, CountsSpeechToTheSample) {
  Samples samples(10 * 512 + 100, 0.1F);
  const Script all(std::vector<float>(11, 1.0F));
  const auto report = measure_speech(samples, kRate, all);
  ASSERT_TRUE(report);
  EXPECT_DOUBLE_EQ(report.value().seconds, static_cast<double>(samples.size()) / kRate);
  EXPECT_FALSE(report.value().snr_db) << "nothing to compare with";
}

TEST(Report, SnrIsSpeechAgainstWhatLiesBetween) {
  for (const double ratio : {40.0, 20.0, 10.0}) {
    Samples samples = noise(80 * 512.0 / kRate, 0.01F);
    const double noise_power = 0.01 * 0.01 / 3;
    const double amplitude = std::sqrt(2 * noise_power * std::pow(10, ratio / 10));
    const Samples voice = sine(300, 40 * 512.0 / kRate, amplitude);
    std::vector<float> probabilities(80);
    for (std::size_t i = 0; i < voice.size(); ++i) samples[20 * 512 + i] += voice[i];
    std::fill_n(probabilities.begin() + 20, 40, 1.0F);
    const auto report = measure_speech(samples, kRate, Script(probabilities));
    ASSERT_TRUE(report);
    ASSERT_TRUE(report.value().snr_db);
    EXPECT_NEAR(*report.value().snr_db, ratio, 0.5);
    EXPECT_NEAR(report.value().level_db, 10 * std::log10(amplitude * amplitude / 2 + noise_power), 0.3);
  }
}

TEST(Report, BandwidthEndsWhereTheSignalEnds) {
  const Script all(std::vector<float>(63, 1.0F));
  const Samples wide = noise(2, 0.3F);
  EXPECT_NEAR(measure_speech(wide, kRate, all).value().bandwidth_hz, 8000, 1);
  // A telephone's rate, brought up to the model's.
  Samples narrow = noise(1, 0.3F);  // 16,000 samples are two seconds at 8 kHz
  const auto brought_up = decode(AudioSamples{narrow, 8000}, kRate, {}, Interrupt());
  ASSERT_TRUE(brought_up);
  EXPECT_NEAR(measure_speech(brought_up.value().samples, kRate, all).value().bandwidth_hz, 4000, 300);
}

TEST(Silero, HearsNoSpeechInSilenceTonesAndNoise) {
  for (const Samples& samples : {Samples(3 * kRate), noise(3, 0.5F), noise(3, 0.01F), sine(440, 3, 0.5)}) {
    EXPECT_LT(measured(samples).seconds, 0.3);
  }
  EXPECT_EQ(measured(Samples(3 * kRate)).level_db, -100);
  EXPECT_EQ(measured(Samples(3 * kRate)).bandwidth_hz, 0);
}

/// 0.9 s of harmonics under moving resonances, three syllables a second, then 0.6 s of silence, twice.
Samples two_voices() {
  constexpr double kTurn = 2 * std::numbers::pi;
  Samples samples(3 * kRate);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double time = static_cast<double>(i) / kRate;
    if (std::fmod(time, 1.5) >= 0.9) continue;
    const double turns = 120 * time + 5 * std::sin(kTurn * 0.7 * time);
    double sum = 0;
    for (int k = 1; k <= 25; ++k) {
      const double near_first = (120 * k - 500 - 200 * std::sin(kTurn * 1.3 * time)) / 150;
      const double near_second = (120 * k - 1500 - 500 * std::sin(kTurn * 0.9 * time)) / 250;
      const double gain = 0.1 / k + std::exp(-near_first * near_first) + 0.5 * std::exp(-near_second * near_second);
      sum += gain * std::sin(kTurn * k * turns);
    }
    samples[i] = static_cast<float>(0.12 * (0.5 - 0.5 * std::cos(kTurn * 3 * time)) * sum);
  }
  return samples;
}

TEST(Silero, HearsWhatItsPublishedNetworkHears) {
  const auto heard = silero_detector()->probabilities(two_voices()).value();
  // Every sixth frame by the network of silero_vad/tinygrad_model.py with the same weights, in PyTorch.
  const std::vector<float> published = {0.69397F, 0.86407F, 0.92243F, 0.93856F, 0.93152F, 0.13397F, 0.02893F, 0.02880F,
                                        0.96480F, 0.98446F, 0.99288F, 0.99787F, 0.89629F, 0.04072F, 0.01354F, 0.01444F};
  ASSERT_EQ(heard.size(), 94U);
  for (std::size_t i = 0; i < published.size(); ++i) EXPECT_NEAR(heard[3 + 6 * i], published[i], 2e-5) << i;
}

TEST(Silero, TakesRecordingsOfAnyLength) {
  const auto detector = silero_detector();
  for (const std::size_t size : {0U, 1U, 63U, 64U, 511U, 512U, 513U, 5000U, 48U * 512U, 48U * 512U + 1U}) {
    const Samples samples(size, 0.1F);
    const auto probabilities = detector->probabilities(samples).value();
    EXPECT_EQ(probabilities.size(), (size + 511) / 512);
    for (const float p : probabilities) {
      EXPECT_GE(p, 0);
      EXPECT_LE(p, 1);
    }
  }
}

TEST(Silero, HearsTheSameWhateverFollows) {
  const auto detector = silero_detector();
  const Samples samples = noise(4, 0.3F, 9);
  const auto whole = detector->probabilities(samples).value();
  const auto part = detector->probabilities(std::span(samples).first(50 * 512)).value();
  for (std::size_t i = 0; i < part.size(); ++i) EXPECT_NEAR(part[i], whole[i], 1e-6) << i;
}

TEST(Silero, StopsWhenItIsTold) {
  Interrupt interrupt;
  interrupt.cancel();
  const auto heard = silero_detector()->probabilities(noise(4, 0.3F, 9), interrupt);
  ASSERT_FALSE(heard);
  EXPECT_EQ(heard.error().code, ErrorCode::ABORTED);
  const auto report = measure_speech(noise(4, 0.3F, 9), 48000, *silero_detector(), interrupt);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::ABORTED);
}

class RealSpeech : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::is_directory(folder_)) GTEST_SKIP() << "no recorded speech at " << folder_;
  }

  const std::filesystem::path folder_ = std::filesystem::path(TIMBRE_SHARED) / "speech";
};

TEST_F(RealSpeech, FillsMostOfAReadSentence) {
  double seconds = 0;
  double speech = 0;
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / "libri")) {
    if (!entry.is_regular_file() || ++files % 10 != 0) continue;
    const auto audio = decode(AudioPath{entry.path().string()}, kRate, {}, Interrupt());
    ASSERT_TRUE(audio);
    const SpeechReport report = measured(audio.value().samples);
    EXPECT_GT(report.seconds, 0.4) << entry.path();
    EXPECT_GT(report.bandwidth_hz, 6000) << entry.path();
    EXPECT_LT(report.level_db, -10) << entry.path();
    seconds += audio.value().info.seconds;
    speech += report.seconds;
  }
  ASSERT_GT(files, 10);
  EXPECT_GT(speech / seconds, 0.6);
  EXPECT_LT(speech / seconds, 0.95);
}

TEST_F(RealSpeech, IsNotHeardInNoise) {
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "noise")) {
    const auto audio = decode(AudioPath{entry.path().string()}, kRate, {}, Interrupt());
    ASSERT_TRUE(audio) << entry.path();
    const Samples& samples = audio.value().samples;
    EXPECT_LT(measured({samples.begin(), samples.begin() + std::min<long>(15 * kRate, std::ssize(samples))}).seconds, 1)
        << entry.path();
  }
}

}  // namespace
}  // namespace timbre
