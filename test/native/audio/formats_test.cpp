// Every format, from path and from memory, to the samples that went in.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <span>

#include "audio/open_recording.h"
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
using test::joined;
using test::sine;
using test::text;
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

/// The code that the first bytes of a longer recording are refused with; empty where they are not.
std::string refusal_by_beginning(const Bytes& bytes) {
  const std::size_t enough = std::min<std::size_t>(bytes.size(), 128 << 10);
  const auto refused = refused_by_beginning(std::span(bytes).first(enough), enough == bytes.size());
  return refused ? std::string(name(refused->code)) : "";
}

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
  EXPECT_EQ(refusal_by_beginning(bytes), "");
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
  // GSM has one channel.
  SF_INFO two_channels{};
  two_channels.samplerate = 16000;
  two_channels.channels = 2;
  two_channels.format = GetParam().number;
  if (sf_format_check(&two_channels) == 0) {
    EXPECT_EQ(GetParam().name, "WAV/GSM610");
    return;
  }
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

TEST(Decode, RefusesByTheBeginningWhatNoRecordingBeginsWith) {
  Bytes letters(200'000, 'x');
  EXPECT_EQ(refusal_by_beginning(letters), "AUDIO_UNSUPPORTED");
  const auto refused = refused_by_beginning(letters, true);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->message, decoded(AudioBytes{letters}).error().message);
  const Bytes archive = joined(text("PK\x03\x04"), letters);
  const auto named = refused_by_beginning(std::span(archive).first(1000), false);
  // The rest may still hold a recording, as far as 1,000 bytes tell.
  EXPECT_FALSE(named);
  EXPECT_EQ(refused_by_beginning(archive, true)->message, decoded(AudioBytes{archive}).error().message);
  EXPECT_EQ(refused_by_beginning({}, true)->code, ErrorCode::AUDIO_CORRUPT);
  // A tag of 2 MB, behind which anything may follow.
  const Bytes tag = joined(Bytes{'I', 'D', '3', 4, 0, 0, 0, 127, 0, 0}, letters);
  EXPECT_EQ(refusal_by_beginning(tag), "");
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

struct File {
  std::string name;
  std::string arguments;
  std::string format;
};

void PrintTo(const File& file, std::ostream* out) { *out << file.name; }

class ByFfmpeg : public testing::TestWithParam<File> {
 protected:
  void SetUp() override {
    if (audio_libraries().ffmpeg.empty()) GTEST_SKIP() << "no ffmpeg on the PATH";
  }
};

// A row or more for each container and codec.
INSTANTIATE_TEST_SUITE_P(
    Containers, ByFfmpeg,
    testing::Values(
        File{"a.webm", "-c:a libopus", "WEBM/OPUS"}, File{"live.webm", "-c:a libopus -f webm -live 1", "WEBM/OPUS"},
        File{"b.webm", "-c:a libvorbis", "WEBM/VORBIS"}, File{"a.mka", "-c:a flac", "MATROSKA/FLAC"},
        File{"b.mka", "-c:a pcm_s16le", "MATROSKA/PCM_S16LE"}, File{"c.mka", "-c:a ac3", "MATROSKA/AC3"},
        File{"a.m4a", "-c:a aac", "MP4/AAC"}, File{"b.m4a", "-c:a aac -movflags +faststart", "MP4/AAC"},
        File{"c.m4a", "-c:a alac", "MP4/ALAC"}, File{"d.mp4", "-c:a libopus", "MP4/OPUS"},
        File{"e.mp4", "-c:a aac -movflags frag_keyframe+empty_moov -frag_duration 300000", "MP4/AAC"},
        File{"a.mov", "-c:a pcm_s16be", "MP4/PCM_S16BE"}, File{"a.3gp", "-c:a aac", "MP4/AAC"},
        File{"a.aac", "-c:a aac", "AAC/AAC"}, File{"a.loas", "-c:a aac -f latm", "AAC/LATM/AAC_LATM"},
        File{"a.ac3", "-c:a ac3", "AC-3/AC3"}, File{"a.eac3", "-c:a eac3", "E-AC-3/EAC3"},
        File{"a.ts", "-c:a aac", "MPEG-TS/AAC"}, File{"b.ts", "-c:a mp2", "MPEG-TS/MP2"},
        File{"c.ts", "-c:a aac -mpegts_flags latm", "MPEG-TS/AAC_LATM"},
        File{"a.m2ts", "-c:a ac3 -mpegts_m2ts_mode 1", "MPEG-TS/AC3"}, File{"a.mpg", "-c:a mp2 -f mpeg", "MPEG-PS/MP2"},
        File{"a.wma", "-c:a wmav2", "ASF/WMAV2"}, File{"a.flv", "-c:a aac -ar 22050", "FLV/AAC"},
        File{"a.avi", "-c:a pcm_s16le", "AVI/PCM_S16LE"}, File{"b.avi", "-c:a libmp3lame", "AVI/MP3"},
        File{"a.wv", "-c:a wavpack", "WAVPACK/WAVPACK"}, File{"a.tta", "-c:a tta", "TTA/TTA"},
        File{"a.voc", "-c:a pcm_s16le", "VOC/PCM_S16LE"}, File{"a.ogg", "-c:a libspeex", "OGG/SPEEX"},
        File{"g722.wav", "-c:a g722", "WAV/ADPCM_G722"}, File{"g726.wav", "-c:a g726 -ar 8000", "WAV/ADPCM_G726"},
        File{"g723.wav", "-c:a g723_1 -ar 8000 -b:a 6300", "WAV/G723_1"}, File{"wma.wav", "-c:a wmav2", "WAV/WMAV2"},
        File{"ac3.wav", "-c:a ac3", "WAV/AC3"}, File{"s64.wav", "-c:a pcm_s64le", "WAV/PCM_S64LE"},
        File{"g722.au", "-c:a g722", "AU/ADPCM_G722"}, File{"ima.caf", "-c:a adpcm_ima_qt", "CAF/ADPCM_IMA_QT"},
        File{"alac.caf", "-c:a alac", "CAF/ALAC"}));

// What is read without a second process, whoever wrote it.
INSTANTIATE_TEST_SUITE_P(
    OwnDecoders, ByFfmpeg,
    testing::Values(File{"a.mp3", "-c:a libmp3lame", "MP3/LAYER_III"}, File{"a.mp2", "-c:a mp2", "MP3/LAYER_II"},
                    File{"mp3.wav", "-c:a libmp3lame", "WAV/LAYER_III"}, File{"mp2.wav", "-c:a mp2", "WAV/LAYER_II"},
                    File{"a.oga", "-c:a flac", "OGG/PCM_16"}, File{"a.opus", "-c:a libopus", "OGG/OPUS"},
                    File{"a.w64", "-f w64", "W64/PCM_16"}, File{"rf64.wav", "-rf64 always", "RF64/PCM_16"},
                    File{"a.sf", "-f ircam", "IRCAM/PCM_16"}));

TEST_P(ByFfmpeg, GivesTheSignalFromPathAndFromMemoryAndKnowsThatItIsWhole) {
  const Folder folder;
  const Bytes bytes = by_ffmpeg(folder, GetParam().arguments, GetParam().name);
  if (bytes.empty()) GTEST_SKIP() << "this ffmpeg cannot write " << GetParam().name;
  const auto from_path = decoded(AudioPath{folder.path(GetParam().name)});
  ASSERT_EQ(code(from_path), "") << from_path.error().message;
  const auto from_memory = decoded(AudioBytes{bytes});
  ASSERT_EQ(code(from_memory), "") << from_memory.error().message;
  EXPECT_EQ(from_path.value().samples, from_memory.value().samples);
  EXPECT_EQ(refusal_by_beginning(bytes), "");
  const AudioInfo& info = from_path.value().info;
  EXPECT_EQ(info.format, GetParam().format);
  EXPECT_TRUE(info.completeness.complete()) << info.completeness.what;
  EXPECT_EQ(info.tracks, 1);
  EXPECT_NEAR(info.seconds, 1, 0.15);
  const std::vector<float>& samples = from_path.value().samples;
  double power = 0;
  for (std::size_t i = 4000; i < 12000; ++i) power += static_cast<double>(samples[i]) * samples[i] / 8000;
  EXPECT_NEAR(std::sqrt(2 * power), 0.5, 0.1);
}

class Amr : public testing::Test {
 protected:
  void SetUp() override {
    if (audio_libraries().ffmpeg.empty()) GTEST_SKIP() << "no ffmpeg on the PATH";
  }

  static Bytes narrow(const std::vector<std::pair<int, int>>& runs) {
    return frames("#!AMR\n", runs, {{0, 12}, {8, 5}, {15, 0}});
  }
  static Bytes wide(const std::vector<std::pair<int, int>>& runs) {
    return frames("#!AMR-WB\n", runs, {{0, 17}, {9, 5}, {14, 0}, {15, 0}});
  }

 private:
  /// Runs of frames of a type, 20 ms each.
  static Bytes frames(std::string_view magic, const std::vector<std::pair<int, int>>& runs, std::map<int, int> sizes) {
    Bytes amr = test::text(magic);
    for (const auto& [type, count] : runs) {
      for (int i = 0; i < count; ++i) {
        amr.push_back(static_cast<std::uint8_t>(type << 3 | 4));
        amr.insert(amr.end(), static_cast<std::size_t>(sizes.at(type)), 0);
      }
    }
    return amr;
  }
};

TEST_F(Amr, OfBothWidthsIsRead) {
  const auto low = decoded(AudioBytes{narrow({{0, 50}})});
  ASSERT_EQ(code(low), "") << low.error().message;
  EXPECT_EQ(low.value().info.format, "AMR/AMR_NB");
  EXPECT_EQ(low.value().info.sample_rate, 8000);
  EXPECT_NEAR(low.value().info.seconds, 1, 1e-9);
  const auto high = decoded(AudioBytes{wide({{0, 50}})});
  ASSERT_EQ(code(high), "") << high.error().message;
  EXPECT_EQ(high.value().info.format, "AMR/AMR_WB");
  EXPECT_EQ(high.value().info.sample_rate, 16000);
  EXPECT_NEAR(high.value().info.seconds, 1, 1e-9);
}

TEST_F(Amr, ComfortNoiseAndFramesWithoutDataAreSilenceOfTheirLength) {
  for (const Bytes& amr : {narrow({{15, 3}, {0, 25}, {8, 1}, {15, 7}, {8, 1}, {15, 16}, {0, 25}, {8, 1}, {15, 21}}),
                           wide({{15, 3}, {0, 25}, {9, 1}, {15, 7}, {14, 1}, {15, 16}, {0, 25}, {9, 1}, {15, 21}})}) {
    const auto audio = decoded(AudioBytes{amr});
    ASSERT_EQ(code(audio), "") << audio.error().message;
    EXPECT_EQ(test::verdict(audio), "") << audio.value().info.completeness.what;
    EXPECT_NEAR(audio.value().info.seconds, 2, 1e-9);
    const std::vector<float>& samples = audio.value().samples;
    for (std::size_t i = 16000 * 65 / 100; i < 16000; ++i) ASSERT_NEAR(samples[i], 0, 1e-3) << i;
  }
}

TEST_F(Amr, StrayBytesAtItsEndAreNoFrame) {
  for (const Bytes& stray : {Bytes{0x0A}, Bytes{0x3C}, Bytes(3), Bytes(11)}) {
    const auto audio = decoded(AudioBytes{test::joined(narrow({{0, 50}}), stray)});
    ASSERT_EQ(code(audio), "");
    EXPECT_EQ(test::verdict(audio), "") << stray.size();
    EXPECT_NEAR(audio.value().info.seconds, 1, 1e-9);
  }
}

TEST_F(Amr, ThatIsCutWithinAFrameOrBrokenSaysSo) {
  Bytes cut = narrow({{0, 50}});
  cut.insert(cut.end(), {0x3C, 0x55, 0x66, 0x77});
  EXPECT_EQ(test::verdict(decoded(AudioBytes{cut})), "TRUNCATED");
  Bytes broken = narrow({{0, 50}});
  broken.insert(broken.begin() + 6 + 13 * 20, {0xFF, 0xFF, 0xFF});
  EXPECT_EQ(test::verdict(decoded(AudioBytes{broken})), "DAMAGED");
}

TEST_F(ByFfmpeg, QuickTimeThatBeginsWithAnyOfItsBoxesIsRead) {
  const Folder folder;
  const Bytes mov = by_ffmpeg(folder, "-c:a aac -f mov -movflags +faststart", "a.mov");
  const Bytes late = by_ffmpeg(folder, "-c:a aac -f mov", "b.mov");
  // ftyp is 20 bytes long in both, and the index of the second names places in the file: what goes stays as long.
  for (const char* box : {"wide", "free", "skip"}) {
    Bytes file = late;
    std::copy_n(box, 4, file.begin() + 4);
    const auto audio = decoded(AudioBytes{file});
    ASSERT_EQ(code(audio), "") << box << audio.error().message;
    EXPECT_EQ(audio.value().info.format, "MOV/AAC") << box;
    EXPECT_NEAR(audio.value().info.seconds, 1, 0.15) << box;
  }
  EXPECT_EQ(code(decoded(AudioBytes{mov})), "");
}

TEST_F(ByFfmpeg, NoFileThatAContainerNamesIsOpened) {
  const Folder folder;
  const Bytes mov = by_ffmpeg(folder, "-c:a pcm_s16le -f mov", "a.mov");
  // The data reference says that the media lie in this file; without the flag it names another one.
  const Bytes self = {'u', 'r', 'l', ' ', 0, 0, 0, 1};
  const auto at = std::search(mov.begin(), mov.end(), self.begin(), self.end());
  ASSERT_NE(at, mov.end());
  Bytes other = mov;
  other[static_cast<std::size_t>(at - mov.begin()) + 7] = 0;
  const auto audio = decoded(AudioBytes{other});
  if (audio) {
    EXPECT_EQ(audio.value().samples, decoded(AudioBytes{mov}).value().samples);
  }
  for (const char* name : {"list.m3u8", "list.ffconcat", "a.sdp"}) {
    EXPECT_EQ(code(decoded(AudioPath{folder.write(name, test::text("ffconcat version 1.0\nfile a.mov\n"))})),
              "AUDIO_UNSUPPORTED");
  }
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
  // The PATH is looked at once, when a process starts: it is empty for one of its own.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const char* const path = std::getenv("PATH");
  const std::string before = path ? path : "";
  ASSERT_EQ(setenv("PATH", "", 1), 0);
  const auto refuse = [] {
    // An EBML header with the doctype that tells WebM from Matroska.
    const Bytes webm = {0x1A, 0x45, 0xDF, 0xA3, 0x87, 0x42, 0x82, 0x84, 'w', 'e', 'b', 'm'};
    const auto refused = decoded(AudioBytes{webm});
    std::cerr << code(refused) << ": " << (refused ? "" : refused.error().message) << std::endl;
    std::_Exit(audio_libraries().ffmpeg.empty() ? 0 : 1);
  };
  EXPECT_EXIT(refuse(), testing::ExitedWithCode(0),
              testing::AllOf(testing::HasSubstr("AUDIO_UNSUPPORTED"), testing::HasSubstr("WEBM"),
                             testing::HasSubstr("install ffmpeg"), testing::HasSubstr("convert it to WAV")));
  ASSERT_EQ(setenv("PATH", before.c_str(), 1), 0);
}

TEST(Libraries, NameThemselves) {
  const AudioLibraries libraries = audio_libraries();
  EXPECT_THAT(libraries.sndfile, testing::StartsWith("libsndfile"));
  EXPECT_THAT(libraries.soxr, testing::StartsWith("libsoxr"));
}

}  // namespace
}  // namespace timbre
