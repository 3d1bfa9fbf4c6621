// Samples that go on as they are decoded are those that decode() holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "audio/decode.h"
#include "recordings.h"

namespace timbre {
namespace {

using test::Bytes;
using test::code;
using test::decoded;
using test::Folder;
using test::sine;

class Collector final : public SampleSink {
 public:
  explicit Collector(std::size_t most = ~std::size_t{0}) : most_(most) {}

  void expect(double seconds) override { expected = seconds; }
  Status take(std::span<const float> more) override {
    largest = std::max(largest, more.size());
    samples.insert(samples.end(), more.begin(), more.end());
    if (samples.size() > most_) return Error{ErrorCode::INFERENCE_FAILED, "enough"};
    return ok();
  }
  void restart() override {
    samples.clear();
    ++restarts;
  }

  std::vector<float> samples;
  double expected = 0;
  std::size_t largest = 0;
  int restarts = 0;

 private:
  const std::size_t most_;
};

Bytes wav_of(const std::vector<float>& samples, int rate, int channels = 1) {
  return test::encoded(Folder(), SF_FORMAT_WAV | SF_FORMAT_PCM_16, samples, rate, channels);
}

TEST(SampleSink, TakesWhatDecodeGives) {
  const std::vector<AudioSource> sources = {
      AudioBytes{wav_of(sine(440, 16000, 7.3), 16000)}, AudioBytes{wav_of(sine(440, 8000, 7.3), 8000)},
      AudioBytes{wav_of(sine(440, 44100, 7.3), 44100)}, AudioSamples{sine(440, 44100, 7.3), 44100},
      AudioSamples{sine(440, 16000, 7.3), 16000}};
  for (const AudioSource& source : sources) {
    const auto whole = decoded(source);
    ASSERT_EQ(code(whole), "");
    Collector sink;
    const auto info = decode_into(sink, source, 16000, {}, kUninterrupted);
    ASSERT_TRUE(info);
    EXPECT_EQ(sink.samples, whole.value().samples);
    EXPECT_LE(sink.largest, 40000U) << "it comes in pieces";
    EXPECT_NEAR(sink.expected, 7.3, 1e-4);
    EXPECT_EQ(info.value().seconds, whole.value().info.seconds);
    EXPECT_EQ(info.value().format, whole.value().info.format);
    EXPECT_EQ(sink.restarts, 0);
  }
}

TEST(SampleSink, BeginsAnewWithTheStrongestOfChannelsThatCancelEachOther) {
  std::vector<float> interleaved;
  for (const float x : sine(440, 16000, 3)) {
    interleaved.push_back(x);
    interleaved.push_back(-0.9F * x);
  }
  const AudioBytes source{wav_of(interleaved, 16000, 2)};
  const auto whole = decoded(source);
  ASSERT_EQ(code(whole), "");
  ASSERT_TRUE(whole.value().info.channels_cancel);
  Collector sink;
  const auto info = decode_into(sink, source, 16000, {}, kUninterrupted);
  ASSERT_TRUE(info);
  EXPECT_EQ(sink.restarts, 1);
  EXPECT_EQ(sink.samples, whole.value().samples);
  EXPECT_TRUE(info.value().channels_cancel);
  EXPECT_EQ(info.value().channel, whole.value().info.channel);
}

Bytes repeated(const Bytes& file, int times) {
  Bytes all;
  for (int i = 0; i < times; ++i) all.insert(all.end(), file.begin(), file.end());
  return all;
}

TEST(SampleSink, GetsAsMuchOfManyJoinedRecordingsAsTheyAreLong) {
  // 1,001 samples are 667.33 at 16 kHz: what is rounded off adds up to 20.
  std::vector<float> samples = sine(440, 24000, 1);
  samples.resize(1001);
  const AudioBytes source{repeated(wav_of(samples, 24000), 60)};
  const auto whole = decoded(source);
  ASSERT_EQ(code(whole), "");
  EXPECT_NEAR(whole.value().info.seconds, 60 * 1001 / 24000.0, 1e-9);
  EXPECT_NEAR(static_cast<double>(whole.value().samples.size()), 16000 * whole.value().info.seconds, 1);
  Collector sink;
  ASSERT_TRUE(decode_into(sink, source, 16000, {}, kUninterrupted));
  EXPECT_EQ(sink.samples, whole.value().samples);
}

TEST(SampleSink, ARecordingThatCannotBeReadAnyFurtherIsAsLongAsWhatItGave) {
  const std::vector<float> good(24000, 0.25F);
  std::vector<float> bad = good;
  bad.back() = std::numeric_limits<float>::quiet_NaN();
  const auto wav = [](const std::vector<float>& samples) {
    return test::encoded(Folder(), SF_FORMAT_WAV | SF_FORMAT_FLOAT, samples, 24000, 1);
  };
  const AudioBytes source{test::joined(wav(good), wav(bad))};
  const auto whole = decoded(source);
  ASSERT_EQ(code(whole), "");
  EXPECT_FALSE(whole.value().info.completeness.complete());
  EXPECT_EQ(whole.value().info.seconds, 1);
  EXPECT_EQ(whole.value().samples.size(), 16000U);
  Collector sink;
  const auto info = decode_into(sink, source, 16000, {}, kUninterrupted);
  ASSERT_TRUE(info);
  EXPECT_GT(sink.samples.size(), 16000U) << "what has been handed on cannot be taken back";
  EXPECT_NEAR(static_cast<double>(sink.samples.size()), 16000 * info.value().seconds, 1);
}

TEST(SampleSink, EndsTheDecodingWithItsError) {
  for (const AudioSource& source : {AudioSource(AudioBytes{wav_of(sine(440, 16000, 7), 16000)}),
                                    AudioSource(AudioSamples{sine(440, 16000, 7), 16000})}) {
    Collector sink(30000);
    const auto info = decode_into(sink, source, 16000, {}, kUninterrupted);
    ASSERT_FALSE(info);
    EXPECT_EQ(info.error().code, ErrorCode::INFERENCE_FAILED);
    EXPECT_LT(sink.samples.size(), 60000U);
  }
}

TEST(SampleSink, IsNotGivenMoreThanIsAllowed) {
  Collector sink;
  AudioLimits limits;
  limits.max_seconds = 5;
  const auto info = decode_into(sink, AudioBytes{wav_of(sine(440, 16000, 7), 16000)}, 16000, limits, kUninterrupted);
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code, ErrorCode::AUDIO_TOO_LONG);
}

}  // namespace
}  // namespace timbre
