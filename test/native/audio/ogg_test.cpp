// Ogg as recorders, mixers and network captures write it: every link, every page, and what is missing between them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ogg_file.h"

namespace timbre {
namespace {

using test::agreement;
using test::by_ffmpeg;
using test::Bytes;
using test::code;
using test::decoded;
using test::encoded;
using test::first;
using test::Folder;
using test::joined;
using test::OggFile;
using test::sine;
using test::verdict;
using testing::HasSubstr;

constexpr int kOpus = SF_FORMAT_OGG | SF_FORMAT_OPUS;
constexpr int kVorbis = SF_FORMAT_OGG | SF_FORMAT_VORBIS;

/// A tone with noise, which does not fit in a few pages.
Bytes recorded(int format, int rate = 16000, double hz = 440, double seconds = 5) {
  std::vector<float> signal = sine(hz, rate, seconds);
  std::uint32_t state = 1;
  for (float& x : signal) {
    state = state * 1664525U + 1013904223U;
    x = 0.5F * x + 0.2F * (static_cast<float>(state >> 8U) / 8388608.0F - 1.0F);
  }
  return encoded(Folder(), format, signal, rate);
}

class OggCodecs : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Formats, OggCodecs, testing::Values(kOpus, kVorbis));

TEST_P(OggCodecs, AChainOfLinksIsOneRecording) {
  const auto low = decoded(AudioBytes{recorded(GetParam(), 16000, 300, 2)});
  const auto high = decoded(AudioBytes{recorded(GetParam(), 16000, 900, 3)});
  const auto chain =
      decoded(AudioBytes{joined(recorded(GetParam(), 16000, 300, 2), recorded(GetParam(), 16000, 900, 3))});
  ASSERT_EQ(code(chain), "");
  EXPECT_EQ(verdict(chain), "");
  EXPECT_NEAR(chain.value().info.seconds, 5, 0.001);
  std::vector<float> both = low.value().samples;
  both.insert(both.end(), high.value().samples.begin(), high.value().samples.end());
  EXPECT_EQ(chain.value().samples, both);
}

TEST_P(OggCodecs, LinksOfDifferentRatesAreJoinedAtTheModelsRate) {
  const auto chain =
      decoded(AudioBytes{joined(recorded(GetParam(), 16000, 440, 2), recorded(GetParam(), 48000, 440, 2))});
  ASSERT_EQ(code(chain), "");
  EXPECT_EQ(verdict(chain), "");
  EXPECT_NEAR(chain.value().info.seconds, 4, 0.001);
  EXPECT_NEAR(static_cast<double>(chain.value().samples.size()), 64000, 4);
}

TEST_P(OggCodecs, ALinkThatCannotBeReadIsToldAndTheOnesBeforeItAreRead) {
  OggFile second(recorded(GetParam(), 16000, 440, 2));
  second.pages[0].bytes[second.pages[0].body() + (GetParam() == kOpus ? 8 : 7)] = 0xFF;  // the version
  const auto chain = decoded(AudioBytes{joined(recorded(GetParam(), 16000, 440, 2), second.bytes())});
  ASSERT_EQ(code(chain), "");
  EXPECT_EQ(verdict(chain), "DAMAGED");
  EXPECT_NEAR(chain.value().info.seconds, 2, 0.001);
}

TEST_P(OggCodecs, PagesWithoutAPositionAreReadInFull) {
  OggFile file(recorded(GetParam()));
  for (OggFile::Page& page : file.pages) {
    if (page.granule() > 0) page.set_granule(-1);
  }
  const auto audio = decoded(AudioBytes{file.bytes()});
  ASSERT_EQ(code(audio), "");
  EXPECT_EQ(verdict(audio), "");
  EXPECT_NEAR(audio.value().info.seconds, 5, 0.07);
}

TEST_P(OggCodecs, AJumpOfPositionsIsAGapOfThatLength) {
  const Bytes whole = recorded(GetParam());
  const std::int64_t clock = GetParam() == kOpus ? 48000 : 16000;
  for (const std::int64_t seconds : {1, 3600}) {
    OggFile file(whole);
    ASSERT_GT(file.pages.size(), 5U);
    for (std::size_t i = file.pages.size() - 2; i < file.pages.size(); ++i) {
      file.pages[i].set_granule(file.pages[i].granule() + seconds * clock);
    }
    const auto audio = decoded(AudioBytes{file.bytes()});
    ASSERT_EQ(code(audio), "");
    EXPECT_EQ(verdict(audio), "GAPS");
    EXPECT_NEAR(audio.value().info.completeness.missing_seconds.value_or(0), static_cast<double>(seconds), 0.001);
    EXPECT_EQ(audio.value().samples, decoded(AudioBytes{whole}).value().samples);
  }
}

TEST_P(OggCodecs, AMissingPageIsToldWithItsSeconds) {
  OggFile file(recorded(GetParam()));
  ASSERT_GT(file.pages.size(), 5U);
  file.pages.erase(file.pages.end() - 3);
  const auto audio = decoded(AudioBytes{file.bytes()});
  ASSERT_EQ(code(audio), "");
  EXPECT_EQ(verdict(audio), "DAMAGED");
  const AudioInfo& info = audio.value().info;
  EXPECT_NEAR(info.seconds + info.completeness.missing_seconds.value_or(0), 5, 0.05);
}

TEST_P(OggCodecs, APageWhoseChecksumIsWrongIsLeftOutAndTold) {
  OggFile file(recorded(GetParam()));
  Bytes bytes = file.bytes();
  std::size_t at = 0;
  for (std::size_t i = 0; i + 3 < file.pages.size(); ++i) at += file.pages[i].bytes.size();
  bytes[at + file.pages[file.pages.size() - 3].body() + 20] ^= 0x55;
  const auto audio = decoded(AudioBytes{bytes});
  ASSERT_EQ(code(audio), "");
  EXPECT_EQ(verdict(audio), "DAMAGED");
}

TEST_P(OggCodecs, ACutIsToldWhereverItIs) {
  const Bytes whole = recorded(GetParam());
  const OggFile file(whole);
  std::size_t boundary = 0;
  for (std::size_t i = 0; i + 2 < file.pages.size(); ++i) boundary += file.pages[i].bytes.size();
  for (const std::size_t size : {boundary, boundary + 10, boundary + 100, whole.size() - 1}) {
    const auto audio = decoded(AudioBytes{first(whole, size)});
    ASSERT_EQ(code(audio), "") << size;
    EXPECT_EQ(verdict(audio), "TRUNCATED") << size;
    EXPECT_LT(audio.value().info.seconds, 5) << size;
    EXPECT_GT(audio.value().info.seconds, 1) << size;
  }
}

TEST_P(OggCodecs, AStreamThatWasJoinedInItsMiddleIsWhole) {
  OggFile file(recorded(GetParam()));
  for (OggFile::Page& page : file.pages) {
    if (page.granule() > 0) page.set_granule(page.granule() + 48000L * 3600);
  }
  const auto audio = decoded(AudioBytes{file.bytes()});
  ASSERT_EQ(code(audio), "");
  EXPECT_EQ(verdict(audio), "");
  EXPECT_NEAR(audio.value().info.seconds, 5, 0.001);
}

TEST(Opus, WithoutARateInItsHeaderHas48Kilohertz) {
  const Bytes tone = encoded(Folder(), kOpus, sine(440, 16000, 5), 16000);
  OggFile file(tone);
  const std::size_t rate = file.pages[0].body() + 12;
  std::fill_n(file.pages[0].bytes.begin() + static_cast<long>(rate), 4, std::uint8_t{0});
  const auto audio = decoded(AudioBytes{file.bytes()});
  ASSERT_EQ(code(audio), "");
  EXPECT_EQ(audio.value().info.sample_rate, 48000);
  EXPECT_NEAR(audio.value().info.seconds, 5, 0.001);
  EXPECT_GT(agreement(decoded(AudioBytes{tone}).value().samples, audio.value().samples), 20);
}

TEST(Opus, WhoseFirstPageClaimsTooLittleIsAnErrorThatSaysSo) {
  OggFile file(recorded(kOpus));
  for (OggFile::Page& page : file.pages) {
    if (page.granule() > 0) page.set_granule(page.granule() - 960);
  }
  const auto audio = decoded(AudioBytes{file.bytes()});
  EXPECT_EQ(code(audio), "AUDIO_CORRUPT");
  EXPECT_THAT(audio.error().message, HasSubstr("RFC 7845"));
}

TEST(Opus, GainOfTheHeaderIsApplied) {
  OggFile file(recorded(kOpus));
  const std::size_t gain = file.pages[0].body() + 16;
  file.pages[0].bytes[gain + 1] = 0xFA;  // -6 dB in steps of 1/256
  const auto plain = decoded(AudioBytes{recorded(kOpus)});
  ASSERT_EQ(code(plain), "");
  const auto quiet = decoded(AudioBytes{file.bytes()});
  ASSERT_EQ(code(quiet), "");
  double ratio = 0;
  double power = 0;
  for (std::size_t i = 0; i < plain.value().samples.size(); ++i) {
    ratio += static_cast<double>(quiet.value().samples[i]) * plain.value().samples[i];
    power += static_cast<double>(plain.value().samples[i]) * plain.value().samples[i];
  }
  EXPECT_NEAR(ratio / power, 0.501, 0.01);
}

class OggTracks : public testing::Test {
 protected:
  void SetUp() override {
    if (audio_libraries().ffmpeg.empty()) GTEST_SKIP() << "no ffmpeg to make them with";
  }

  const Folder folder_;
};

TEST_F(OggTracks, TheSoundOfAFilmIsRead) {
  const std::string film = "-f lavfi -i color=s=64x64:d=1 -map 0:a -map 1:v -c:v libtheora -c:a libvorbis";
  const Bytes bytes = by_ffmpeg(folder_, film, "film.ogv");
  if (bytes.empty()) GTEST_SKIP() << "this ffmpeg cannot write Theora";
  const auto audio = decoded(AudioBytes{bytes});
  ASSERT_EQ(code(audio), "") << audio.error().message;
  EXPECT_EQ(audio.value().info.format, "OGG/VORBIS");
  EXPECT_EQ(verdict(audio), "");
  EXPECT_NEAR(audio.value().info.seconds, 1, 0.01);
}

TEST_F(OggTracks, OneOfSeveralStreamsIsChosen) {
  const Bytes bytes = by_ffmpeg(folder_, "-map 0:a -map 0:a -c:a:0 libopus -c:a:1 flac", "two.ogg");
  if (bytes.empty()) GTEST_SKIP() << "this ffmpeg cannot write two streams";
  const auto one = decoded(AudioBytes{bytes});
  ASSERT_EQ(code(one), "");
  EXPECT_EQ(one.value().info.format, "OGG/OPUS");
  EXPECT_EQ(one.value().info.tracks, 2);
  const auto other = decoded(AudioBytes{bytes}, {}, {std::nullopt, 1});
  ASSERT_EQ(code(other), "");
  EXPECT_EQ(other.value().info.format, "OGG/PCM_16");
  EXPECT_EQ(other.value().info.track, 1);
  const auto none = decoded(AudioBytes{bytes}, {}, {std::nullopt, 2});
  EXPECT_EQ(code(none), "INVALID_ARGUMENT");
  EXPECT_THAT(none.error().message, HasSubstr("2 audio tracks, 0 to 1"));
}

TEST_F(OggTracks, SpeexThatIsCutIsTold) {
  test::Wav wav = test::plain_wav();
  for (int i = 0; i < 2; ++i) wav.data = joined(wav.data, wav.data);
  const Bytes bytes = by_ffmpeg(folder_, "-c:a libspeex", "speex.ogg", wav);
  if (bytes.empty()) GTEST_SKIP() << "this ffmpeg cannot write Speex";
  EXPECT_EQ(verdict(decoded(AudioBytes{bytes})), "");
  EXPECT_EQ(verdict(decoded(AudioBytes{first(bytes, bytes.size() * 3 / 4)})), "TRUNCATED");
}

}  // namespace
}  // namespace timbre
