// Headers as writers really leave them: without a length, with a wrong one, behind tags, in another order, twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>

#include "recordings.h"

namespace timbre {
namespace {

using test::Bytes;
using test::chunk;
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
using testing::HasSubstr;

const std::vector<std::int16_t>& tone() {
  static const std::vector<std::int16_t> samples = [] {
    std::vector<std::int16_t> made;
    for (const float x : sine(440, 16000, 1)) made.push_back(static_cast<std::int16_t>(std::lround(x * 32767)));
    return made;
  }();
  return samples;
}

/// The tone's bytes.
Bytes pcm(bool big_endian = false) {
  Bytes bytes;
  for (const std::int16_t x : tone())
    bytes = joined(std::move(bytes), number(static_cast<std::uint16_t>(x), 2, big_endian));
  return bytes;
}

Bytes format(unsigned tag = 1, unsigned block = 2, unsigned bits = 16, bool big_endian = false) {
  const auto n = [&](std::uint64_t value, int size) { return number(value, size, big_endian); };
  return joined(joined(joined(n(tag, 2), n(1, 2)), joined(n(16000, 4), n(16000 * block, 4))),
                joined(n(block, 2), n(bits, 2)));
}

Bytes riff(std::string_view id, std::uint32_t size, const Bytes& body, bool big_endian = false) {
  return joined(joined(text(id), number(size, 4, big_endian)), joined(text("WAVE"), body));
}

/// The tone, whole, and nothing of it missing.
void expect_tone(const Bytes& file, const std::string& format_name = "WAV/PCM_16") {
  const auto audio = decoded(AudioBytes{file});
  ASSERT_EQ(code(audio), "") << audio.error().message;
  EXPECT_EQ(verdict(audio), "") << audio.value().info.completeness.what;
  EXPECT_EQ(audio.value().info.format, format_name);
  const std::vector<std::int16_t>& expected = tone();
  ASSERT_EQ(audio.value().samples.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(audio.value().samples[i], static_cast<float>(expected[i]) / 32768) << i;
  }
}

/// Half of the tone, and that the other half is missing.
void expect_half(const Bytes& file) {
  const auto audio = decoded(AudioBytes{file});
  ASSERT_EQ(code(audio), "") << audio.error().message;
  EXPECT_EQ(verdict(audio), "TRUNCATED");
  EXPECT_NEAR(audio.value().info.seconds, 0.5, 0.001);
  EXPECT_NEAR(audio.value().info.completeness.missing_seconds.value_or(-1), 0.5, 0.001);
  EXPECT_THAT(audio.value().info.completeness.what, HasSubstr("16000"));
}

Bytes id3(std::size_t size) {
  Bytes tag = text("ID3\x04");
  tag.resize(6);
  for (int shift = 21; shift >= 0; shift -= 7) tag.push_back(static_cast<std::uint8_t>(size >> shift & 0x7FU));
  tag.resize(10 + size);
  return tag;
}

TEST(Wav, OfAnyLengthInItsHeaderIsReadToItsEnd) {
  const Bytes audio = pcm();
  const auto size = static_cast<std::uint32_t>(audio.size());
  for (const std::uint32_t declared : {0U, 0x7FFFFFFFU, 0x7FFF0000U, 0x80000000U, 0xFFFFFFFFU, 0xFFFFFFFEU}) {
    for (const std::uint32_t outer : {0U, 36U, 36U + size, 0xFFFFFFFFU}) {
      SCOPED_TRACE(std::to_string(declared) + " in " + std::to_string(outer));
      expect_tone(riff("RIFF", outer, joined(chunk("fmt ", format()), chunk("data", audio, false, declared))));
    }
  }
}

TEST(Wav, WhoseDataHasTheSizeOfTheWholeFileIsWhole) {
  const Bytes audio = pcm();
  const auto outer = static_cast<std::uint32_t>(36 + audio.size());
  expect_tone(riff("RIFF", outer, joined(chunk("fmt ", format()), chunk("data", audio, false, outer))));
}

TEST(Wav, OfThreeKindsOfSixtyFourBitsIsRead) {
  const Bytes audio = pcm();
  const Bytes sizes = joined(joined(number(72 + audio.size(), 8, false), number(audio.size(), 8, false)),
                             joined(number(audio.size() / 2, 8, false), number(0, 4, false)));
  for (const std::string_view id : {"RF64", "BW64"}) {
    const Bytes head = joined(chunk("ds64", sizes), chunk("fmt ", format()));
    expect_tone(riff(id, 0xFFFFFFFF, joined(head, chunk("data", audio, false, 0xFFFFFFFF))),
                std::string(id) + "/PCM_16");
    expect_half(first(riff(id, 0xFFFFFFFF, joined(head, chunk("data", audio, false, 0xFFFFFFFF))),
                      12 + head.size() + 8 + audio.size() / 2));
  }
}

TEST(Wav, IsReadBehindATagHoweverLongAndKnowsWhereItIsCut) {
  const Bytes wav = test::plain_wav().bytes();
  for (const std::size_t tag : {0U, 20U, 12000U, 200000U}) {
    const Bytes file = joined(id3(tag), wav);
    const auto audio = decoded(AudioBytes{file});
    EXPECT_EQ(verdict(audio), "") << tag;
    EXPECT_EQ(audio.value().samples, decoded(AudioBytes{wav}).value().samples) << tag;
    expect_half(first(file, file.size() - 16000));
  }
}

TEST(Wav, IsReadBehindJunkOfNoKind) {
  const Bytes wav = test::plain_wav().bytes();
  for (const Bytes& junk : {Bytes(64), text("--boundary\r\nContent-Type: audio/wav\r\n\r\n"), Bytes(5000, 0xA5)}) {
    const auto audio = decoded(AudioBytes{joined(junk, wav)});
    ASSERT_EQ(code(audio), "");
    EXPECT_EQ(audio.value().info.seconds, 1);
  }
}

TEST(Wav, OfSeveralDataChunksIsAllOfThem) {
  const Bytes audio = pcm();
  const Bytes one = first(audio, 12000);
  const Bytes two(audio.begin() + 12000, audio.end());
  const Bytes body = joined(joined(chunk("fmt ", format()), chunk("data", one)),
                            joined(chunk("LIST", text("INFO")), chunk("data", two)));
  expect_tone(riff("RIFF", static_cast<std::uint32_t>(4 + body.size()), body));
}

TEST(Wav, FilesBehindEachOtherAreOneRecording) {
  const Bytes audio = pcm();
  const auto file = [](const Bytes& samples) {
    return riff("RIFF", static_cast<std::uint32_t>(36 + samples.size()),
                joined(chunk("fmt ", format()), chunk("data", samples)));
  };
  expect_tone(joined(file(first(audio, 12000)), file(Bytes(audio.begin() + 12000, audio.end()))));
}

TEST(Wav, WithItsFormatBehindTheAudioIsRead) {
  const Bytes body = joined(chunk("data", pcm()), chunk("fmt ", format()));
  expect_tone(riff("RIFF", static_cast<std::uint32_t>(4 + body.size()), body));
}

TEST(Wav, OfTheOtherOrderOfBytesIsRead) {
  const Bytes body = joined(chunk("fmt ", format(1, 2, 16, true), true), chunk("data", pcm(true), true));
  expect_tone(riff("RIFX", static_cast<std::uint32_t>(4 + body.size()), body, true));
}

TEST(Wav, TagsAndZerosBehindTheAudioAreNoAudio) {
  const Bytes body = joined(joined(chunk("fmt ", format()), chunk("data", pcm())), chunk("id3 ", id3(10)));
  const Bytes file = riff("RIFF", static_cast<std::uint32_t>(4 + body.size()), body);
  expect_tone(joined(file, Bytes(4096)));
  expect_tone(joined(file, text("TAG and so on")));
}

/// Samples of fewer bits than their bytes have, at either end of them.
Bytes padded(int bytes, int bits, bool lower, bool sign) {
  Bytes out;
  for (const std::int16_t x : tone()) {
    const auto sample = static_cast<std::int64_t>(x) * (1LL << (bits - 16)) + (bits > 16 ? 1 : 0);
    std::uint64_t value = static_cast<std::uint64_t>(sample) << (lower ? 0 : 8 * bytes - bits);
    if (lower && !sign) value &= (1ULL << bits) - 1;
    out = joined(std::move(out), number(value, bytes, false));
  }
  return out;
}

TEST(Wav, OfFewerBitsThanItsBytesIsReadAtItsLevelWhereverTheyLie) {
  for (const auto& [bytes, bits] : {std::pair{4, 24}, std::pair{4, 20}, std::pair{3, 20}, std::pair{4, 18}}) {
    for (const bool lower : {false, true}) {
      for (const bool sign : {false, true}) {
        SCOPED_TRACE(std::to_string(bits) + " bits of " + std::to_string(bytes) + " bytes, lower " +
                     std::to_string(lower) + ", sign " + std::to_string(sign));
        const Bytes body = joined(chunk("fmt ", format(1, static_cast<unsigned>(bytes), static_cast<unsigned>(bits))),
                                  chunk("data", padded(bytes, bits, lower, sign)));
        const auto audio = decoded(AudioBytes{riff("RIFF", static_cast<std::uint32_t>(4 + body.size()), body)});
        ASSERT_EQ(code(audio), "") << audio.error().message;
        ASSERT_EQ(audio.value().samples.size(), 16000U);
        for (std::size_t i = 0; i < 16000; ++i) {
          ASSERT_NEAR(audio.value().samples[i], static_cast<float>(tone()[i]) / 32768, 1e-4) << i;
        }
      }
    }
  }
}

TEST(Wav, WithACodecThatNobodyReadsSaysWhich) {
  const Bytes body = joined(chunk("fmt ", format(0x1234)), chunk("data", pcm()));
  const auto audio = decoded(AudioBytes{riff("RIFF", static_cast<std::uint32_t>(4 + body.size()), body)});
  EXPECT_EQ(code(audio), "AUDIO_UNSUPPORTED");
  EXPECT_THAT(audio.error().message, testing::AllOf(HasSubstr("0x1234"), HasSubstr("convert")));
}

Bytes common(std::uint32_t frames) {
  // 16000 Hz as an 80-bit float.
  const Bytes rate = {0x40, 0x0C, 0xFA, 0, 0, 0, 0, 0, 0, 0};
  return joined(joined(joined(number(1, 2, true), number(frames, 4, true)), number(16, 2, true)), rate);
}

Bytes aiff(std::uint32_t frames, std::optional<std::uint32_t> size, const Bytes& audio) {
  const Bytes body = joined(number(0, 8, true), audio);
  const Bytes chunks = joined(chunk("COMM", common(frames), true), chunk("SSND", body, true, size));
  return joined(joined(text("FORM"), number(4 + chunks.size(), 4, true)), joined(text("AIFF"), chunks));
}

TEST(Aiff, OfUnknownLengthIsReadToItsEnd) {
  const Bytes audio = pcm(true);
  expect_tone(aiff(16000, std::nullopt, audio), "AIFF/PCM_16");
  expect_tone(aiff(0, 0, audio), "AIFF/PCM_16");
  expect_tone(aiff(0xFFFFFFFF, 0xFFFFFFFF, audio), "AIFF/PCM_16");
  expect_tone(joined(id3(5000), aiff(16000, std::nullopt, audio)), "AIFF/PCM_16");
}

TEST(Aiff, ThatIsCutSaysSoBehindATagToo) {
  const Bytes file = aiff(16000, std::nullopt, pcm(true));
  expect_half(first(file, file.size() - 16000));
  expect_half(joined(id3(3000), first(file, file.size() - 16000)));
}

TEST(Aiff, WithItsFormatBehindTheAudioIsRead) {
  const Bytes chunks =
      joined(chunk("SSND", joined(number(0, 8, true), pcm(true)), true), chunk("COMM", common(16000), true));
  expect_tone(joined(joined(text("FORM"), number(4 + chunks.size(), 4, true)), joined(text("AIFF"), chunks)),
              "AIFF/PCM_16");
}

Bytes au(std::uint32_t size, const Bytes& audio) {
  Bytes head = text(".snd");
  for (const std::uint32_t field : {32U, size, 3U, 16000U, 1U}) head = joined(std::move(head), number(field, 4, true));
  return joined(joined(head, Bytes(8)), audio);
}

TEST(Au, OfUnknownLengthIsReadToItsEndAndOneThatIsCutSaysSo) {
  const Bytes audio = pcm(true);
  expect_tone(au(32000, audio), "AU/PCM_16");
  expect_tone(au(0xFFFFFFFF, audio), "AU/PCM_16");
  expect_tone(au(0, audio), "AU/PCM_16");
  expect_half(au(32000, first(audio, 16000)));
}

Bytes caf(std::uint64_t size, const Bytes& audio) {
  Bytes description = joined(number(std::bit_cast<std::uint64_t>(16000.0), 8, true), text("lpcm"));
  for (const std::uint32_t field : {0U, 2U, 1U, 1U, 16U})
    description = joined(std::move(description), number(field, 4, true));
  const auto part = [](std::string_view id, std::uint64_t length, const Bytes& body) {
    return joined(joined(text(id), number(length, 8, true)), body);
  };
  return joined(joined(joined(text("caff"), number(0x10000, 4, true)), part("desc", 32, description)),
                joined(part("free", 100, Bytes(100)), part("data", size, joined(number(0, 4, true), audio))));
}

TEST(Caf, OfUnknownLengthIsReadToItsEndAndOneThatIsCutSaysSo) {
  const Bytes audio = pcm(true);
  expect_tone(caf(4 + audio.size(), audio), "CAF/PCM_16");
  expect_tone(caf(~0ULL, audio), "CAF/PCM_16");
  expect_half(caf(4 + audio.size(), first(audio, 16000)));
}

TEST(W64, ThatIsCutSaysSo) {
  const Bytes file = encoded(Folder(), SF_FORMAT_W64 | SF_FORMAT_PCM_16, sine(440, 16000, 1), 16000);
  EXPECT_EQ(verdict(decoded(AudioBytes{file})), "");
  expect_half(first(file, file.size() - 16000));
}

Bytes sphere(std::size_t frames, const Bytes& audio, std::string_view coding = "pcm") {
  Bytes head = text(
      "NIST_1A\n   1024\nchannel_count -i 1\nsample_rate -i 16000\nsample_n_bytes -i 2\nsample_byte_format -s2 01\n"
      "sample_sig_bits -i 16\nsample_count -i " +
      std::to_string(frames) + "\nsample_coding -s" + std::to_string(coding.size()) + " " + std::string(coding) +
      "\nend_head\n");
  head.resize(1024, ' ');
  return joined(head, audio);
}

TEST(Sphere, IsReadAndSaysWhereItIsCutOrCompressed) {
  expect_tone(sphere(16000, pcm()), "SPHERE/PCM_16");
  expect_half(sphere(16000, first(pcm(), 16000)));
  const auto compressed = decoded(AudioBytes{sphere(16000, pcm(), "pcm,embedded-shorten-v2.00")});
  EXPECT_EQ(code(compressed), "AUDIO_UNSUPPORTED");
  EXPECT_THAT(compressed.error().message, HasSubstr("sph2pipe"));
}

class Flac : public testing::Test {
 protected:
  /// Writes the number of samples that the header declares.
  static Bytes declaring(Bytes file, std::uint64_t samples) {
    file[21] = static_cast<std::uint8_t>((file[21] & 0xF0U) | (samples >> 32U & 15U));
    for (std::size_t i = 0; i < 4; ++i) file[22 + i] = static_cast<std::uint8_t>(samples >> (8 * (3 - i)));
    return file;
  }

  const Bytes file_ = encoded(Folder(), SF_FORMAT_FLAC | SF_FORMAT_PCM_16, sine(440, 16000, 5), 16000);
};

TEST_F(Flac, IsReadToItsEndWhateverItsHeaderDeclares) {
  const std::vector<float> whole = decoded(AudioBytes{file_}).value().samples;
  for (const std::uint64_t declared : {0U, 100U, 40000U}) {
    const auto audio = decoded(AudioBytes{declaring(file_, declared)});
    ASSERT_EQ(code(audio), "");
    EXPECT_EQ(verdict(audio), "") << declared;
    EXPECT_EQ(audio.value().samples, whole) << declared;
  }
  const auto more = decoded(AudioBytes{declaring(file_, 160000)});
  EXPECT_EQ(verdict(more), "TRUNCATED");
  EXPECT_NEAR(more.value().info.completeness.missing_seconds.value_or(0), 5, 0.001);
  EXPECT_EQ(more.value().samples, whole);
}

TEST_F(Flac, WithTagsInFrontAndBehindIsWhole) {
  Bytes tag = text("TAG");
  tag.resize(128, 'x');
  for (const std::uint64_t declared : {0U, 80000U}) {
    const auto audio = decoded(AudioBytes{joined(joined(id3(500), declaring(file_, declared)), tag)});
    ASSERT_EQ(code(audio), "");
    EXPECT_EQ(verdict(audio), "") << declared;
    EXPECT_NEAR(audio.value().info.seconds, 5, 1e-9);
  }
}

TEST_F(Flac, WithABrokenFrameIsReadAroundIt) {
  Bytes file = file_;
  for (std::size_t i = 0; i < 50; ++i) file[file.size() / 2 + i] ^= 0x5A;
  const auto audio = decoded(AudioBytes{file});
  ASSERT_EQ(code(audio), "");
  EXPECT_EQ(verdict(audio), "DAMAGED");
  EXPECT_GT(audio.value().info.seconds, 4);
}

TEST_F(Flac, FilesBehindEachOtherAreOneRecording) {
  const auto audio = decoded(AudioBytes{joined(file_, file_)});
  ASSERT_EQ(code(audio), "");
  EXPECT_EQ(verdict(audio), "");
  EXPECT_NEAR(audio.value().info.seconds, 10, 1e-9);
}

class Mp3 : public testing::Test {
 protected:
  const Bytes file_ = encoded(Folder(), SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, sine(440, 16000, 5), 16000);
  /// Without the frame that describes the others.
  const Bytes bare_ = [this] {
    const auto second = std::search(file_.begin() + 4, file_.end(), file_.begin(), file_.begin() + 2);
    return Bytes(second, file_.end());
  }();
};

TEST_F(Mp3, IsReadBehindJunkAndBehindACutFrame) {
  const auto plain = decoded(AudioBytes{bare_});
  ASSERT_EQ(code(plain), "");
  for (const Bytes& junk :
       {Bytes(64), Bytes(20000), text(std::string(500, 'x')), Bytes(bare_.begin() + 50, bare_.begin() + 90)}) {
    const auto audio = decoded(AudioBytes{joined(junk, bare_)});
    ASSERT_EQ(code(audio), "") << junk.size();
    EXPECT_EQ(verdict(audio), "") << junk.size();
    EXPECT_NEAR(audio.value().info.seconds, plain.value().info.seconds, 0.08) << junk.size();
  }
}

TEST_F(Mp3, ThatIsCutSaysSoWithAndWithoutALength) {
  const auto described = decoded(AudioBytes{first(file_, file_.size() / 2)});
  EXPECT_EQ(verdict(described), "TRUNCATED");
  const AudioInfo& info = described.value().info;
  EXPECT_NEAR(info.seconds + info.completeness.missing_seconds.value_or(0), 5, 0.2);
  const auto bare = decoded(AudioBytes{first(bare_, bare_.size() / 2 + 7)});
  EXPECT_EQ(verdict(bare), "TRUNCATED");
}

TEST_F(Mp3, WithBytesMissingInItsMiddleIsDamaged) {
  Bytes file = bare_;
  file.erase(file.begin() + static_cast<long>(file.size() / 2),
             file.begin() + static_cast<long>(file.size() / 2 + 300));
  const auto audio = decoded(AudioBytes{file});
  ASSERT_EQ(code(audio), "");
  EXPECT_EQ(verdict(audio), "DAMAGED");
  EXPECT_GT(audio.value().info.seconds, 4);
}

TEST_F(Mp3, FilesBehindEachOtherAreReadToTheEndOfTheLast) {
  const Bytes faster = encoded(Folder(), SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, sine(440, 44100, 3), 44100);
  for (const Bytes& second : {file_, faster}) {
    const auto audio = decoded(AudioBytes{joined(file_, second)});
    ASSERT_EQ(code(audio), "");
    EXPECT_EQ(verdict(audio), "") << audio.value().info.completeness.what;
    EXPECT_NEAR(audio.value().info.seconds, second == faster ? 8 : 10, 0.3);
  }
}

TEST_F(Mp3, TagsBehindItAreNoDamage) {
  Bytes tag = text("TAG");
  tag.resize(128);
  const auto audio = decoded(AudioBytes{joined(bare_, tag)});
  EXPECT_EQ(verdict(audio), "");
}

}  // namespace
}  // namespace timbre
