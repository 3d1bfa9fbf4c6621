// Every format, from path and from memory, to the samples that went in.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recordings.h"

namespace timbre {
namespace {

using test::agreement;
using test::by_ffmpeg;
using test::Bytes;
using test::code;
using test::decoded;
using test::encoded;
using test::Folder;
using test::sine;
using test::Wav;

struct Format {
  std::string name;
  int number;
  double fidelity;  ///< dB
};

void PrintTo(const Format& format, std::ostream* out) { *out << format.name; }

class Formats : public testing::TestWithParam<Format> {};

INSTANTIATE_TEST_SUITE_P(Sndfile, Formats,
                         testing::Values(Format{"WAV/PCM_U8", SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 30},
                                         Format{"WAV/PCM_16", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 80},
                                         Format{"WAV/PCM_24", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 120},
                                         Format{"WAV/PCM_32", SF_FORMAT_WAV | SF_FORMAT_PCM_32, 120},
                                         Format{"WAV/FLOAT", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 140},
                                         Format{"WAV/DOUBLE", SF_FORMAT_WAV | SF_FORMAT_DOUBLE, 140},
                                         Format{"WAV/ULAW", SF_FORMAT_WAV | SF_FORMAT_ULAW, 30},
                                         Format{"WAV/ALAW", SF_FORMAT_WAV | SF_FORMAT_ALAW, 30},
                                         Format{"WAV/IMA_ADPCM", SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM, 20},
                                         Format{"WAV/GSM610", SF_FORMAT_WAV | SF_FORMAT_GSM610, 5},
                                         Format{"RF64/PCM_16", SF_FORMAT_RF64 | SF_FORMAT_PCM_16, 80},
                                         Format{"W64/PCM_16", SF_FORMAT_W64 | SF_FORMAT_PCM_16, 80},
                                         Format{"AIFF/PCM_16", SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 80},
                                         Format{"AIFF/PCM_24", SF_FORMAT_AIFF | SF_FORMAT_PCM_24, 120},
                                         Format{"AU/PCM_16", SF_FORMAT_AU | SF_FORMAT_PCM_16, 80},
                                         Format{"CAF/PCM_16", SF_FORMAT_CAF | SF_FORMAT_PCM_16, 80},
                                         Format{"FLAC/PCM_16", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 80},
                                         Format{"FLAC/PCM_24", SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 120},
                                         Format{"OGG/VORBIS", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 20},
                                         Format{"OGG/OPUS", SF_FORMAT_OGG | SF_FORMAT_OPUS, 20},
                                         Format{"MP3/LAYER_III", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 20}));

TEST_P(Formats, GiveTheSignalFromPathFromOpenFileAndFromMemory) {
  const Folder folder;
  const std::vector<float> signal = sine(440, 16000, 1);
  const Bytes bytes = encoded(folder, GetParam().number, signal, 16000);
  const auto from_memory = decoded(AudioBytes{bytes});
  ASSERT_EQ(code(from_memory), "") << from_memory.error().message;
  const auto from_path = decoded(AudioPath{folder.write("recording", bytes)});
  ASSERT_EQ(code(from_path), "") << from_path.error().message;

  const Audio& audio = from_path.value();
  EXPECT_EQ(audio.samples, from_memory.value().samples);
  const AudioFile file{
      std::make_shared<const Descriptor>(open(folder.path("recording").c_str(), O_RDONLY | O_CLOEXEC))};
  const auto from_file = decoded(file);
  ASSERT_EQ(code(from_file), "") << from_file.error().message;
  EXPECT_EQ(audio.samples, from_file.value().samples);
  EXPECT_EQ(audio.info.format, GetParam().name);
  EXPECT_EQ(audio.info.sample_rate, 16000);
  EXPECT_EQ(audio.info.channels, 1);
  EXPECT_NEAR(static_cast<double>(audio.samples.size()), 16000, 2000);
  EXPECT_DOUBLE_EQ(audio.info.seconds, static_cast<double>(audio.samples.size()) / 16000);
  EXPECT_GT(agreement(signal, audio.samples), GetParam().fidelity);
}

TEST_P(Formats, GiveTheMeanOfTwoChannels) {
  if (GetParam().name == "WAV/GSM610") GTEST_SKIP() << "GSM has one channel";
  const Folder folder;
  const std::vector<float> left = sine(440, 16000, 1);
  std::vector<float> both;
  for (const float x : left) {
    both.push_back(x);
    both.push_back(x / 2);
  }
  std::vector<float> mean(left);
  for (float& x : mean) x *= 0.75F;
  const auto audio = decoded(AudioBytes{encoded(folder, GetParam().number, both, 16000, 2)});
  ASSERT_EQ(code(audio), "");
  EXPECT_EQ(audio.value().info.channels, 2);
  EXPECT_GT(agreement(mean, audio.value().samples), GetParam().fidelity - 4);
}

TEST(Decode, KeepsSixteenBitSamplesExactly) {
  Wav wav;
  std::vector<std::int16_t> samples;
  for (int i = -32768; i <= 32767; ++i) samples.push_back(static_cast<std::int16_t>(i));
  wav.data = test::raw(samples);
  const auto audio = decoded(AudioBytes{wav.bytes()});
  ASSERT_EQ(code(audio), "");
  ASSERT_EQ(audio.value().samples.size(), samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    ASSERT_EQ(audio.value().samples[i], static_cast<float>(samples[i]) / 32768) << samples[i];
  }
}

TEST(Decode, KeepsTheCallersSamplesExactly) {
  const AudioSamples source{sine(440, 16000, 2), 16000};
  const auto audio = decoded(source);
  ASSERT_EQ(code(audio), "");
  EXPECT_EQ(audio.value().samples, source.samples);
}

TEST(Decode, MixesAnyNumberOfChannelsToTheirMean) {
  for (int channels = 1; channels <= 32; ++channels) {
    std::vector<std::int16_t> samples;
    const int frames = 40000;  // more than a block
    double mean = 0;
    for (int c = 0; c < channels; ++c) mean += 100.0 * c / channels;
    for (int i = 0; i < frames; ++i) {
      for (int c = 0; c < channels; ++c) samples.push_back(static_cast<std::int16_t>(100 * c + i % 1000));
    }
    Wav wav;
    wav.channels = static_cast<std::uint16_t>(channels);
    wav.data = test::raw(samples);
    const auto audio = decoded(AudioBytes{wav.bytes()});
    ASSERT_EQ(code(audio), "") << channels;
    ASSERT_EQ(audio.value().samples.size(), static_cast<std::size_t>(frames));
    EXPECT_EQ(audio.value().info.channels, channels);
    for (const std::size_t i : {0U, 999U, 16383U, 16384U, 39999U}) {
      EXPECT_NEAR(audio.value().samples[i] * 32768, mean + i % 1000, 0.01) << channels << " channels, frame " << i;
    }
  }
}

TEST(Decode, ReadsWavHeadersOfUnknownLength) {
  for (const std::uint32_t declared : {0xFFFFFFFFU, 0x7FFFFFFFU, 0x7FFFF000U}) {
    Wav wav = test::plain_wav();
    wav.declared = declared;
    const auto audio = decoded(AudioBytes{wav.bytes()});
    ASSERT_EQ(code(audio), "") << std::hex << declared;
    EXPECT_EQ(audio.value().samples.size(), 16000U) << std::hex << declared;
  }
}

TEST(Decode, ReadsMp3BehindTagsAndWithoutALengthHeader) {
  const Folder folder;
  const Bytes mp3 = encoded(folder, SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, sine(440, 16000, 1), 16000);
  Bytes tagged = {'I', 'D', '3', 4, 0, 0, 0, 0, 0x10, 0};
  tagged.resize(10 + 0x10 * 128);
  tagged.insert(tagged.end(), mp3.begin(), mp3.end());
  const auto with_tag = decoded(AudioBytes{tagged});
  ASSERT_EQ(code(with_tag), "");
  EXPECT_EQ(with_tag.value().samples, decoded(AudioBytes{mp3}).value().samples);

  const auto second = std::search(mp3.begin() + 4, mp3.end(), mp3.begin(), mp3.begin() + 2);
  ASSERT_NE(second, mp3.end());
  const auto without = decoded(AudioBytes{Bytes(second, mp3.end())});
  ASSERT_EQ(code(without), "");
  EXPECT_NEAR(without.value().info.seconds, 1, 0.15);
}

class Rates : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(Hz, Rates,
                         testing::Values(8000, 11025, 12000, 16001, 22050, 24000, 32000, 44100, 48000, 96000, 192000));

TEST_P(Rates, BecomeTheModelsRateWithoutDelayOrLoss) {
  const int rate = GetParam();
  const auto audio = decoded(AudioSamples{sine(1000, rate, 2), rate});
  ASSERT_EQ(code(audio), "");
  EXPECT_NEAR(static_cast<double>(audio.value().samples.size()), 32000, 1);
  EXPECT_GT(agreement(sine(1000, 16000, 2), audio.value().samples), 90);
  EXPECT_DOUBLE_EQ(audio.value().info.seconds, 2);
  EXPECT_EQ(audio.value().info.sample_rate, rate);
}

TEST(Resampling, WhatTheModelsRateCannotHoldIsRemoved) {
  const auto audio = decoded(AudioSamples{sine(10000, 48000, 2), 48000});
  ASSERT_EQ(code(audio), "");
  const std::vector<float>& samples = audio.value().samples;
  for (std::size_t i = 1600; i + 1600 < samples.size(); ++i) ASSERT_LT(std::abs(samples[i]), 1e-4);
}

TEST(Resampling, AFilesSamplesAreResampledLikeTheCallers) {
  const Folder folder;
  const std::vector<float> signal = sine(1000, 44100, 2);
  const auto file = decoded(AudioBytes{encoded(folder, SF_FORMAT_WAV | SF_FORMAT_FLOAT, signal, 44100)});
  const auto samples = decoded(AudioSamples{signal, 44100});
  ASSERT_EQ(code(file), "");
  EXPECT_EQ(file.value().samples, samples.value().samples);
}

struct Container {
  std::string name;
  std::string arguments;
};

void PrintTo(const Container& container, std::ostream* out) { *out << container.name; }

class ByFfmpeg : public testing::TestWithParam<Container> {
 protected:
  void SetUp() override {
    if (audio_libraries().ffmpeg.empty()) GTEST_SKIP() << "no ffmpeg on the PATH";
  }
};

INSTANTIATE_TEST_SUITE_P(Containers, ByFfmpeg,
                         testing::Values(Container{"a.webm", "-c:a libopus"}, Container{"a.m4a", "-c:a aac"},
                                         Container{"b.m4a", "-c:a aac -movflags +faststart"},
                                         Container{"c.m4a", "-c:a alac"}, Container{"a.aac", "-c:a aac"},
                                         Container{"a.3gp", "-c:a aac"}, Container{"a.mka", "-c:a flac"},
                                         Container{"a.wma", "-c:a wmav2"}, Container{"a.ogg", "-c:a libspeex"},
                                         Container{"a.wv", "-c:a wavpack"}, Container{"a.ac3", "-c:a ac3"},
                                         Container{"a.ts", "-c:a aac"}, Container{"a.flv", "-c:a aac -ar 22050"},
                                         Container{"a.avi", "-c:a pcm_s16le"},
                                         Container{"live.webm", "-c:a libopus -f webm -live 1"}));

TEST_P(ByFfmpeg, GivesTheSignalFromPathAndFromMemory) {
  const Folder folder;
  const Bytes bytes = by_ffmpeg(folder, GetParam().arguments, GetParam().name);
  if (bytes.empty()) GTEST_SKIP() << "this ffmpeg cannot write " << GetParam().name;
  const auto from_path = decoded(AudioPath{folder.path(GetParam().name)});
  ASSERT_EQ(code(from_path), "") << from_path.error().message;
  const auto from_memory = decoded(AudioBytes{bytes});
  ASSERT_EQ(code(from_memory), "") << from_memory.error().message;
  EXPECT_EQ(from_path.value().samples, from_memory.value().samples);
  EXPECT_EQ(from_path.value().info.format, "ffmpeg");
  EXPECT_NEAR(from_path.value().info.seconds, 1, 0.15);
  const std::vector<float>& samples = from_path.value().samples;
  double power = 0;
  for (std::size_t i = 4000; i < 12000; ++i) power += static_cast<double>(samples[i]) * samples[i] / 8000;
  EXPECT_NEAR(std::sqrt(2 * power), 0.5, 0.1);
}

TEST_F(ByFfmpeg, ReadsAmr) {
  const Folder folder;
  Bytes amr = {'#', '!', 'A', 'M', 'R', '\n'};
  for (int i = 0; i < 50; ++i) {  // 20 ms at 4.75 kbit/s each
    amr.push_back(0x04);
    amr.insert(amr.end(), 12, 0);
  }
  const auto audio = decoded(AudioBytes{amr});
  ASSERT_EQ(code(audio), "") << audio.error().message;
  EXPECT_EQ(audio.value().info.sample_rate, 8000);
  EXPECT_NEAR(audio.value().info.seconds, 1, 0.05);
}

TEST_F(ByFfmpeg, TakesNoPartOfANameForAnOrder) {
  const Folder folder;
  const Bytes bytes = by_ffmpeg(folder, "-c:a aac", "plain.m4a");
  for (const char* name : {"-i.m4a", "concat:a|b.m4a", "%d.m4a", "a b'c\"$(true).m4a", "\n.m4a"}) {
    const auto audio = decoded(AudioPath{folder.write(name, bytes)});
    EXPECT_EQ(code(audio), "") << name;
  }
}

TEST(WithoutFfmpeg, SaysHowToGetIt) {
  if (!audio_libraries().ffmpeg.empty()) GTEST_SKIP() << "there is ffmpeg on the PATH";
  const Bytes webm = {0x1A, 0x45, 0xDF, 0xA3, 0, 0, 0, 0};
  const auto refused = decoded(AudioBytes{webm});
  ASSERT_EQ(code(refused), "AUDIO_UNSUPPORTED");
  EXPECT_THAT(refused.error().message, testing::AllOf(testing::HasSubstr("WebM"), testing::HasSubstr("install ffmpeg"),
                                                      testing::HasSubstr("convert it to WAV")));
}

TEST(Libraries, NameThemselves) {
  const AudioLibraries libraries = audio_libraries();
  EXPECT_THAT(libraries.sndfile, testing::StartsWith("libsndfile"));
  EXPECT_THAT(libraries.soxr, testing::StartsWith("libsoxr"));
}

}  // namespace
}  // namespace timbre
