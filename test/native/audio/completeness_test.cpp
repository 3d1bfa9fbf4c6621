// One rule for every container: what is missing is told, or nothing is given.
#include "audio/completeness.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <bit>
#include <fstream>

#include "audio/ffmpeg_log.h"
#include "audio/input.h"
#include "audio/matroska_stream.h"
#include "recordings.h"

namespace timbre {
namespace {

using test::by_ffmpeg;
using test::Bytes;
using test::code;
using test::decoded;
using test::encoded;
using test::first;
using test::Folder;
using test::joined;
using test::number;
using test::sine;
using test::text;
using test::verdict;
using test::Wav;
using testing::HasSubstr;

/// A tone with noise: enough for several pages, clusters and fragments.
std::vector<float> noisy(double seconds) {
  std::vector<float> samples = sine(440, 16000, seconds);
  std::uint32_t state = 1;
  for (float& x : samples) {
    state = state * 1664525U + 1013904223U;
    x = 0.6F * x + 0.1F * (static_cast<float>(state >> 8U) / 8388608.0F - 1.0F);
  }
  return samples;
}

Wav several_seconds() {
  Wav wav;
  std::vector<std::int16_t> samples;
  for (const float x : noisy(4)) samples.push_back(static_cast<std::int16_t>(std::lround(x * 32767)));
  wav.data = test::raw(samples);
  return wav;
}

TEST(Completeness, KeepsTheWorseReasonAndAddsSecondsThatAreKnown) {
  Completeness all;
  all.add({});
  EXPECT_TRUE(all.complete());
  all.add({Shortfall::kGaps, 1.5, "has gaps"});
  all.add({Shortfall::kTruncated, 2.0, "is truncated"});
  EXPECT_EQ(all.shortfall, Shortfall::kTruncated);
  EXPECT_EQ(all.missing_seconds, 3.5);
  EXPECT_EQ(all.what, "has gaps; it is truncated");
  all.add({Shortfall::kDamaged, std::nullopt, "is damaged"});
  EXPECT_EQ(all.shortfall, Shortfall::kTruncated);
  EXPECT_EQ(all.missing_seconds, std::nullopt);
}

class CutByLibrary : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Formats, CutByLibrary,
                         testing::Values(SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_WAV | SF_FORMAT_FLOAT,
                                         SF_FORMAT_WAV | SF_FORMAT_ULAW, SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM,
                                         SF_FORMAT_RF64 | SF_FORMAT_PCM_16, SF_FORMAT_W64 | SF_FORMAT_PCM_16,
                                         SF_FORMAT_AIFF | SF_FORMAT_PCM_16, SF_FORMAT_AU | SF_FORMAT_PCM_16,
                                         SF_FORMAT_CAF | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                                         SF_FORMAT_OGG | SF_FORMAT_VORBIS, SF_FORMAT_OGG | SF_FORMAT_OPUS,
                                         SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III));

TEST_P(CutByLibrary, IsToldAndWhatIsThereIsGiven) {
  const Bytes whole = encoded(Folder(), GetParam(), noisy(10), 16000);
  ASSERT_EQ(verdict(decoded(AudioBytes{whole})), "");
  for (const double share : {0.3, 0.5, 0.77, 0.99}) {
    const auto audio =
        decoded(AudioBytes{first(whole, static_cast<std::size_t>(share * static_cast<double>(whole.size())))});
    ASSERT_EQ(code(audio), "") << share;
    EXPECT_EQ(verdict(audio), "TRUNCATED") << share;
    // The last block of a codec may be longer than what is used of it.
    EXPECT_LT(audio.value().info.seconds, 10.2) << share;
    EXPECT_NEAR(audio.value().info.seconds, 10 * share, 2) << share;
    EXPECT_FALSE(audio.value().info.completeness.what.empty()) << share;
  }
}

struct Written {
  std::string name;
  std::string arguments;
};
void PrintTo(const Written& file, std::ostream* out) { *out << file.name; }

class CutByFfmpeg : public testing::TestWithParam<Written> {
 protected:
  void SetUp() override {
    if (audio_libraries().ffmpeg.empty()) GTEST_SKIP() << "no ffmpeg on the PATH";
  }
};
INSTANTIATE_TEST_SUITE_P(
    Containers, CutByFfmpeg,
    testing::Values(Written{"a.webm", "-c:a libopus"}, Written{"live.webm", "-c:a libopus -f webm -live 1"},
                    Written{"a.mka", "-c:a flac"}, Written{"fast.m4a", "-c:a aac -movflags +faststart"},
                    Written{"fragments.mp4", "-c:a aac -movflags frag_keyframe+empty_moov -frag_duration 500000"},
                    Written{"a.aac", "-c:a aac"}, Written{"a.loas", "-c:a aac -f latm"}, Written{"a.ac3", "-c:a ac3"},
                    Written{"a.ts", "-c:a aac"}, Written{"b.ts", "-c:a libopus"}, Written{"a.mpg", "-c:a mp2 -f mpeg"},
                    Written{"a.wma", "-c:a wmav2"}, Written{"a.flv", "-c:a aac -ar 22050"},
                    Written{"a.avi", "-c:a pcm_s16le"}, Written{"a.wv", "-c:a wavpack"}, Written{"a.tta", "-c:a tta"},
                    Written{"a.voc", "-c:a pcm_s16le"}, Written{"g722.wav", "-c:a g722"}));

TEST_P(CutByFfmpeg, IsToldOrRefusedButNeverSilent) {
  const Folder folder;
  const Bytes whole = by_ffmpeg(folder, GetParam().arguments, GetParam().name, several_seconds());
  if (whole.empty()) GTEST_SKIP() << "this ffmpeg cannot write " << GetParam().name;
  const auto all = decoded(AudioBytes{whole});
  ASSERT_EQ(verdict(all), "");
  for (const double share : {0.35, 0.61, 0.9}) {
    // Not between two packets, where containers without a length and a mark of their end cannot show a cut.
    const std::size_t size = static_cast<std::size_t>(share * static_cast<double>(whole.size())) / 2048 * 2048 + 1111;
    const auto audio = decoded(AudioBytes{first(whole, size)});
    if (!audio) {
      EXPECT_EQ(code(audio), "AUDIO_CORRUPT") << share;
      continue;
    }
    EXPECT_THAT(verdict(audio), testing::AnyOf("TRUNCATED", "DAMAGED")) << share;
    EXPECT_LT(audio.value().info.seconds, all.value().info.seconds) << share;
  }
}

class MissingInTheMiddle : public testing::Test {
 protected:
  void SetUp() override {
    if (audio_libraries().ffmpeg.empty()) GTEST_SKIP() << "no ffmpeg on the PATH";
  }

  /// The positions of `what`.
  static std::vector<std::size_t> places(const Bytes& file, const Bytes& what) {
    std::vector<std::size_t> found;
    for (auto at = std::search(file.begin(), file.end(), what.begin(), what.end()); at != file.end();
         at = std::search(at + 1, file.end(), what.begin(), what.end())) {
      found.push_back(static_cast<std::size_t>(at - file.begin()));
    }
    return found;
  }

  static Bytes without(const Bytes& file, std::size_t from, std::size_t to) {
    return joined(first(file, from), Bytes(file.begin() + static_cast<long>(to), file.end()));
  }

  const Folder folder_;
};

TEST_F(MissingInTheMiddle, AFragmentOfMp4IsAGapOfItsLength) {
  const Bytes whole =
      by_ffmpeg(folder_, "-c:a aac -movflags frag_keyframe+empty_moov+default_base_moof -frag_duration 500000", "a.mp4",
                several_seconds());
  const std::vector<std::size_t> fragments = places(whole, text("moof"));
  ASSERT_GT(fragments.size(), 4U);
  const auto audio = decoded(AudioBytes{without(whole, fragments[2] - 4, fragments[3] - 4)});
  ASSERT_EQ(code(audio), "") << audio.error().message;
  EXPECT_THAT(verdict(audio), testing::AnyOf("GAPS", "DAMAGED"));
  EXPECT_NEAR(audio.value().info.completeness.missing_seconds.value_or(0), 0.5, 0.1);
  EXPECT_NEAR(audio.value().info.seconds, 3.5, 0.15);
}

TEST_F(MissingInTheMiddle, AClusterOfWebmIsAGapWhetherItIsGoneOrBroken) {
  const Bytes whole =
      by_ffmpeg(folder_, "-c:a libopus -f webm -live 1 -cluster_time_limit 500", "a.webm", several_seconds());
  const std::vector<std::size_t> clusters = places(whole, {0x1F, 0x43, 0xB6, 0x75});
  ASSERT_GT(clusters.size(), 4U);
  Bytes broken = whole;
  std::fill_n(broken.begin() + static_cast<long>(clusters[2]), 200, std::uint8_t{0});
  for (const Bytes& file : {without(whole, clusters[2], clusters[3]), broken}) {
    const auto audio = decoded(AudioBytes{file});
    ASSERT_EQ(code(audio), "") << audio.error().message;
    EXPECT_THAT(verdict(audio), testing::AnyOf("GAPS", "DAMAGED"));
    EXPECT_GT(audio.value().info.completeness.missing_seconds.value_or(0), 0.2);
    EXPECT_LT(audio.value().info.seconds, 3.8);
  }
}

TEST_F(MissingInTheMiddle, FramesOfARawStreamAreDamage) {
  for (const auto& [name, arguments] : {std::pair{"a.aac", "-c:a aac"}, std::pair{"a.ac3", "-c:a ac3"}}) {
    const Bytes whole = by_ffmpeg(folder_, arguments, name, several_seconds());
    const auto audio = decoded(AudioBytes{without(whole, whole.size() / 2, whole.size() / 2 + 100)});
    ASSERT_EQ(code(audio), "") << name;
    EXPECT_EQ(verdict(audio), "DAMAGED") << name;
  }
}

TEST(GrowingFile, IsReadAsFarAsItWasWrittenAndToldSo) {
  const Folder folder;
  Wav wav = test::plain_wav();
  wav.declared = 0xFFFFFFFF;  // as a recorder leaves it until it ends
  const std::string path = folder.write("live.wav", wav.bytes());
  const auto input = Input::open(AudioPath{path}, {});
  ASSERT_TRUE(input.ok());
  EXPECT_EQ(input.value().change(), Input::Change::kNone);
  std::ofstream(path, std::ios::app | std::ios::binary) << std::string(3200, '\0');
  EXPECT_EQ(input.value().change(), Input::Change::kGrew);
  EXPECT_EQ(input.value().size(), wav.bytes().size()) << "what came later is not read";
}

TEST(ReplacedFile, IsSeenWhereItWasWrittenOverAndReadOnWhereItWasRenamedOver) {
  const Folder folder;
  const Bytes wav = test::plain_wav().bytes();
  const std::string path = folder.write("a.wav", wav);
  const auto input = Input::open(AudioPath{path}, {});
  ASSERT_TRUE(input.ok());
  std::filesystem::rename(folder.write("b.wav", Bytes(100)), path);
  EXPECT_EQ(input.value().change(), Input::Change::kNone) << "the file that was opened is still whole";
  Bytes read(wav.size());
  EXPECT_EQ(input.value().read(0, read), wav.size());
  EXPECT_EQ(read, wav);

  const std::string other = folder.write("c.wav", wav);
  const timespec before[2] = {{1000, 0}, {1000, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, other.c_str(), before, 0), 0);
  const auto rewritten = Input::open(AudioPath{other}, {});
  ASSERT_TRUE(rewritten.ok());
  std::ofstream(other, std::ios::in | std::ios::out | std::ios::binary) << "RIFX";
  EXPECT_EQ(rewritten.value().change(), Input::Change::kRewritten);
}

TEST(ComposedInput, ReadsAcrossItsPieces) {
  const AudioBytes bytes{text("0123456789")};
  const auto base = Input::of(bytes, {});
  ASSERT_TRUE(base.ok());
  const Input composed = Input::composed(
      base.value(), {Piece::of(text("ab")), Piece::stretch(3, 4), Piece::of(text("c")), Piece::stretch(0, 1)});
  EXPECT_EQ(composed.size(), 8U);
  for (std::size_t offset = 0; offset <= 8; ++offset) {
    for (std::size_t size = 0; size <= 9; ++size) {
      Bytes out(size);
      out.resize(composed.read(offset, out));
      EXPECT_EQ(std::string(out.begin(), out.end()),
                std::string("ab3456c0").substr(std::min<std::size_t>(offset, 8), size));
    }
  }
}

TEST(FfmpegLog, FindsTracksAndTheOneThatWasTaken) {
  FfmpegLog log("matroska");
  const std::string said =
      "[info] Input #0, matroska,webm, from 'pipe:0':\n[info]   Metadata:\n"
      "[info]     title           : \n[info]                     :   Stream #0:7: Audio: fake\n"
      "[info]   Duration: 00:01:02.50, start: 0.000000, bitrate: 1 kb/s\n"
      "[info]   Stream #0:0(eng): Audio: aac (LC), 48000 Hz, stereo, fltp\n"
      "[info]   Stream #0:1: Audio: opus, 48000 Hz, mono, fltp (default)\n"
      "[info] Stream mapping:\n[info]   Stream #0:1 -> #0:0 (opus (native) -> pcm_f32le (native))\n"
      "[info] Output #0, matroska, to 'pipe:1':\n[info]   Stream #0:0: Audio: pcm_f32le, 48000 Hz\n";
  for (const char c : said) log.add({&c, 1});
  log.end();
  EXPECT_EQ(log.tracks(), 2);
  EXPECT_EQ(log.track(), 1);
  EXPECT_EQ(log.codec(), "OPUS");
  EXPECT_EQ(log.declared_seconds(), 62.5);
  EXPECT_TRUE(log.completeness().complete());
}

TEST(FfmpegLog, CountsErrorsOfWhatItReadsAndNoOthers) {
  const std::string mapping =
      "[info] Stream mapping:\n[info]   Stream #0:0 -> #0:0 (mp3 (mp3float) -> pcm_f32le (native))\n";
  FfmpegLog others("mov");
  others.add("[NULL @ 0x5] [error] Codec (h264) not on whitelist 'aac'\n[h264 @ 0x5] [error] no frame!\n" + mapping +
             "[mp3float @ 0x5] [warning] overread\n");
  EXPECT_TRUE(others.completeness().complete());
  EXPECT_TRUE(others.says("not on whitelist"));
  for (const std::string error : {"[mov,mp4,m4a @ 0x5] [error] broken", "[mp3float @ 0x5] [error] broken",
                                  "[error] Error while decoding stream #0:0: Invalid data",
                                  "[aist#0:0/mp3 @ 0x5] [error] Error submitting packet to decoder",
                                  "[warning] pipe:0: corrupt input packet in stream 0"}) {
    FfmpegLog log("mov");
    log.add(mapping + error + "\n");
    EXPECT_EQ(log.completeness().shortfall, Shortfall::kDamaged) << error;
  }
  FfmpegLog cut("matroska");
  cut.add("[matroska,webm @ 0x5] [error] File ended prematurely at pos. 4958 (0x135e)\n");
  EXPECT_EQ(cut.completeness().shortfall, Shortfall::kTruncated);
}

TEST(MatroskaStream, GivesSamplesAndJumpsHoweverItIsCut) {
  const auto element = [](const Bytes& id, const Bytes& body) {
    return joined(joined(id, number(0x4000U | static_cast<unsigned>(body.size()), 2, true)), body);
  };
  const auto block = [&](std::uint16_t milliseconds, const std::vector<float>& samples) {
    return element({0xA3}, joined(joined({0x81}, number(milliseconds, 2, true)), joined({0x80}, test::raw(samples))));
  };
  const Bytes unknown = {0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
  const Bytes audio =
      joined(element({0xB5}, number(std::bit_cast<std::uint64_t>(1000.0), 8, true)), element({0x9F}, {1}));
  Bytes stream = element({0x1A, 0x45, 0xDF, 0xA3}, Bytes(30));
  stream = joined(stream, joined({0x18, 0x53, 0x80, 0x67}, unknown));
  stream = joined(stream, element({0x16, 0x54, 0xAE, 0x6B}, element({0xAE}, element({0xE1}, audio))));
  stream = joined(stream, joined({0x1F, 0x43, 0xB6, 0x75}, unknown));
  stream = joined(stream, element({0xE7}, number(5000, 2, true)));
  const std::vector<float> ten(10, 0.25F);
  stream = joined(joined(joined(stream, block(0, ten)), block(10, ten)), block(520, ten));
  for (const std::size_t size : {std::size_t{1}, std::size_t{7}, stream.size()}) {
    MatroskaStream parsed;
    for (std::size_t at = 0; at < stream.size(); at += size) {
      parsed.add(std::span(stream).subspan(at, std::min(size, stream.size() - at)));
    }
    ASSERT_TRUE(parsed.sound());
    EXPECT_EQ(parsed.sample_rate(), 1000);
    EXPECT_EQ(parsed.channels(), 1);
    EXPECT_EQ(parsed.size(), 30U);
    const auto jumps = parsed.take_jumps();
    ASSERT_EQ(jumps.size(), 1U);
    EXPECT_EQ(jumps[0].frame, 20U);
    EXPECT_NEAR(jumps[0].seconds, 0.5, 1e-9);
    EXPECT_NEAR(parsed.drift(), 0.5, 1e-9);
  }
  MatroskaStream nonsense;
  nonsense.add(text("not at all"));
  nonsense.add(Bytes(100));
  EXPECT_FALSE(nonsense.sound());
}

}  // namespace
}  // namespace timbre
