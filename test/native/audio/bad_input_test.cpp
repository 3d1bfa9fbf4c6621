// Whatever is no proper recording gets a typed error that says what is wrong, at once and in bounded memory.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <thread>

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
using test::plain_wav;
using test::sine;
using test::text;
using test::Wav;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string message(const Result<Audio>& result) { return result ? "" : result.error().message; }

TEST(BadPath, IsNamedInTheError) {
  const Folder folder;
  const std::string missing = folder.path("missing.wav");
  const auto result = decoded(AudioPath{missing});
  EXPECT_EQ(code(result), "AUDIO_NOT_FOUND");
  EXPECT_THAT(message(result), HasSubstr(missing));
  EXPECT_EQ(code(decoded(AudioPath{folder.path("no/such/folder.wav")})), "AUDIO_NOT_FOUND");
  EXPECT_EQ(code(decoded(AudioPath{folder.write("file", text("x")) + "/below"})), "AUDIO_NOT_FOUND");
  EXPECT_EQ(code(decoded(AudioPath{std::string(5000, 'a')})), "AUDIO_NOT_FOUND");
}

TEST(BadPath, EmptyOrWithANulIsAnInvalidArgument) {
  const Folder folder;
  const std::string good = folder.write("a.wav", plain_wav().bytes());
  EXPECT_EQ(code(decoded(AudioPath{""})), "INVALID_ARGUMENT");
  const auto result = decoded(AudioPath{good + std::string("\0.txt", 5)});
  EXPECT_EQ(code(result), "INVALID_ARGUMENT");
  EXPECT_THAT(message(result), HasSubstr("NUL"));
}

TEST(BadPath, ALoopOfLinksIsNotFound) {
  const Folder folder;
  ASSERT_EQ(symlink(folder.path("b").c_str(), folder.path("a").c_str()), 0);
  ASSERT_EQ(symlink(folder.path("a").c_str(), folder.path("b").c_str()), 0);
  EXPECT_EQ(code(decoded(AudioPath{folder.path("a")})), "AUDIO_NOT_FOUND");
}

TEST(BadPath, WhatIsNoRegularFileIsRefusedWithoutReading) {
  const Folder folder;
  const std::string pipe = folder.path("pipe.wav");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (const auto& [path, what] : {std::pair{folder.path(""), "folder"}, std::pair{pipe, "named pipe"},
                                   std::pair{std::string("/dev/zero"), "device"}}) {
    const auto result = decoded(AudioPath{path});
    EXPECT_EQ(code(result), "AUDIO_UNSUPPORTED") << path;
    EXPECT_THAT(message(result), AllOf(HasSubstr(what), HasSubstr(path)));
  }
  // Somebody waits at the other end of the pipe.
  const int writer = open(pipe.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(writer, 0);
  EXPECT_EQ(code(decoded(AudioPath{pipe})), "AUDIO_UNSUPPORTED");
  close(writer);
}

AudioFile opened(const std::string& path) {
  return {std::make_shared<const Descriptor>(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC))};
}

TEST(OpenFile, IsReadFromItsBeginningWhateverItsNameIsNow) {
  const Folder folder;
  const std::string path = folder.write("a.wav", plain_wav().bytes());
  const AudioFile file = opened(path);
  ASSERT_EQ(lseek(file.descriptor->get(), 100, SEEK_SET), 100);
  ASSERT_EQ(rename(path.c_str(), folder.path("moved.wav").c_str()), 0);
  folder.write("a.wav", text("another file took the name"));
  const auto result = decoded(file);
  ASSERT_EQ(code(result), "") << message(result);
  EXPECT_EQ(result.value().samples, decoded(AudioBytes{plain_wav().bytes()}).value().samples);
  EXPECT_EQ(lseek(file.descriptor->get(), 0, SEEK_CUR), 100);
}

TEST(OpenFile, IsRefusedWithoutAPathWhereItIsNoRecording) {
  const Folder folder;
  for (const auto& [path, expected] :
       {std::pair{folder.path(""), "AUDIO_UNSUPPORTED"}, std::pair{std::string("/dev/zero"), "AUDIO_UNSUPPORTED"},
        std::pair{folder.write("empty.wav", {}), "AUDIO_CORRUPT"},
        std::pair{folder.write("words.wav", text("words, not sounds")), "AUDIO_UNSUPPORTED"},
        std::pair{folder.path("missing.wav"), "AUDIO_NOT_FOUND"}}) {
    const auto result = decoded(opened(path));
    EXPECT_EQ(code(result), expected) << path;
    EXPECT_THAT(message(result), Not(HasSubstr("/"))) << path;
  }
}

TEST(BadPath, WithoutPermissionSaysSo) {
  const Folder folder;
  const std::string path = folder.write("secret.wav", plain_wav().bytes());
  ASSERT_EQ(chmod(path.c_str(), 0), 0);
  ASSERT_EQ(chmod(folder.path("").c_str(), 0755), 0);
  // Nothing is forbidden to root: look as somebody else.
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (geteuid() == 0 && setuid(65534) != 0) _exit(2);
    const auto result = decoded(AudioPath{path});
    _exit(code(result) == "AUDIO_NOT_FOUND" && message(result).find("permission") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(BadRecording, Empty) {
  const Folder folder;
  const auto result = decoded(AudioPath{folder.write("empty.wav", {})});
  EXPECT_EQ(code(result), "AUDIO_CORRUPT");
  EXPECT_THAT(message(result), AllOf(HasSubstr("empty.wav"), HasSubstr("empty (0 bytes)")));
  EXPECT_EQ(code(decoded(AudioBytes{})), "AUDIO_CORRUPT");
}

TEST(BadRecording, TextRenamed) {
  const Folder folder;
  const auto result = decoded(AudioPath{folder.write("words.wav", text("these are words, not sounds\n"))});
  EXPECT_EQ(code(result), "AUDIO_UNSUPPORTED");
  EXPECT_THAT(message(result), AllOf(HasSubstr("words.wav"), HasSubstr("WAV, FLAC"), HasSubstr("convert")));
}

TEST(BadRecording, OfAKindThatIsKnownSaysWhatItIs) {
  const auto refusal = [](const Bytes& bytes) { return message(decoded(AudioBytes{bytes})); };
  EXPECT_THAT(refusal(text("PK\x03\x04 and the rest")), AllOf(HasSubstr("ZIP"), HasSubstr("unpack")));
  EXPECT_THAT(refusal({0x1F, 0x8B, 8, 0, 0, 0}), HasSubstr("gzip"));
  EXPECT_THAT(refusal(text("%PDF-1.7")), HasSubstr("PDF"));
  EXPECT_THAT(refusal(text("MThd....")), HasSubstr("notes"));
  EXPECT_THAT(refusal(text("\n <!DOCTYPE html><html>404</html>")), HasSubstr("HTML"));
  EXPECT_THAT(refusal(text("{\"error\": \"not found\"}")), HasSubstr("JSON"));
  EXPECT_THAT(refusal({0, 5, 0x16, 7, 0, 2, 0, 0}), HasSubstr("\"._\""));
  EXPECT_THAT(refusal(text("data:audio/wav;base64,UklGRg==")),
              AllOf(HasSubstr("base64"), testing::Not(HasSubstr("UklGRg"))));
  const Bytes mp4 = test::joined(test::joined(test::number(16, 4, true), text("moof")), Bytes(8));
  EXPECT_THAT(refusal(mp4), AllOf(HasSubstr("fragment"), HasSubstr("joined from the first")));
  const Bytes unfinished = test::joined(test::joined(test::number(16, 4, true), text("mdat")), Bytes(8));
  EXPECT_THAT(refusal(unfinished), HasSubstr("no index"));
}

TEST(BadRecording, APieceOfAWebmStreamSaysHowToSendIt) {
  const Bytes block = test::joined({0xA3, 0xBE, 0x81, 0, 0, 0x80}, Bytes(58, 0x55));
  const Bytes cluster = {0x1F, 0x43, 0xB6, 0x75, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
  for (const Bytes& piece : {test::joined(cluster, block), test::joined(block, block)}) {
    const auto result = decoded(AudioBytes{piece});
    EXPECT_EQ(code(result), "AUDIO_UNSUPPORTED");
    EXPECT_THAT(message(result), AllOf(HasSubstr("one stream"), HasSubstr("joined from the first")));
  }
}

TEST(BadPath, OfAnyLengthAndWithAnyCharacterMakesAShortMessageOfOneLine) {
  const auto result = decoded(AudioPath{"data:audio/wav;base64," + std::string(100000, 'A')});
  EXPECT_LT(message(result).size(), 1000U);
  EXPECT_THAT(message(decoded(AudioPath{"no\nsuch\x1b[31mfile"})),
              AllOf(testing::Not(HasSubstr("\n")), testing::Not(HasSubstr("\x1b"))));
}

TEST(BadRecording, PlaylistsAreNotFollowed) {
  const Folder folder;
  folder.write("a.wav", plain_wav().bytes());
  for (const std::string& words :
       {"#EXTM3U\n#EXTINF:1,\n" + folder.path("a.wav") + "\n", std::string("ffconcat version 1.0\nfile a.wav\n"),
        std::string("<?xml version=\"1.0\"?><MPD></MPD>")}) {
    EXPECT_EQ(code(decoded(AudioPath{folder.write("list.m4a", text(words))})), "AUDIO_UNSUPPORTED");
  }
}

TEST(BadRecording, OfSingleBytes) {
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(code(decoded(AudioBytes{{static_cast<std::uint8_t>(byte)}})), "AUDIO_UNSUPPORTED") << byte;
  }
}

TEST(BadRecording, EveryTruncatedWavHeader) {
  const Bytes wav = plain_wav().bytes();
  for (std::size_t size = 1; size <= 44; ++size) {
    EXPECT_THAT(code(decoded(AudioBytes{first(wav, size)})), testing::AnyOf("AUDIO_CORRUPT", "AUDIO_UNSUPPORTED"))
        << size << " bytes";
  }
}

TEST(BadRecording, ZeroFrames) {
  Wav wav;
  const auto result = decoded(AudioBytes{wav.bytes()});
  EXPECT_EQ(code(result), "AUDIO_CORRUPT");
  EXPECT_THAT(message(result), HasSubstr("no audio"));
  const Folder folder;
  for (const int format : {SF_FORMAT_AIFF | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                           SF_FORMAT_OGG | SF_FORMAT_VORBIS, SF_FORMAT_OGG | SF_FORMAT_OPUS}) {
    EXPECT_EQ(code(decoded(AudioBytes{encoded(folder, format, {}, 16000)})), "AUDIO_CORRUPT") << std::hex << format;
  }
}

TEST(BadRecording, GigabytesDeclaredInAKilobyte) {
  Wav wav = plain_wav();
  wav.data.resize(980);
  wav.declared = 1000000000;
  const auto result = decoded(AudioBytes{wav.bytes()});
  ASSERT_EQ(code(result), "");
  const Completeness& completeness = result.value().info.completeness;
  EXPECT_EQ(completeness.shortfall, Shortfall::kTruncated);
  EXPECT_THAT(completeness.what, AllOf(HasSubstr("1000000000"), HasSubstr("980")));
  EXPECT_EQ(result.value().samples.size(), 490U);

  // FLAC declares its samples in 36 bits, of which these are all set.
  const Folder folder;
  Bytes flac = encoded(folder, SF_FORMAT_FLAC | SF_FORMAT_PCM_16, sine(440, 16000, 0.02), 16000);
  flac[21] |= 0x0F;
  for (std::size_t i = 22; i < 26; ++i) flac[i] = 0xFF;
  EXPECT_EQ(code(decoded(AudioBytes{flac})), "AUDIO_TOO_LONG");
}

TEST(BadRecording, RatesNobodyRecordsAt) {
  for (const std::uint32_t rate : {1U, 3999U, 384001U, 768000U, 0x7FFFFFFFU}) {
    Wav wav = plain_wav();
    wav.rate = rate;
    const auto result = decoded(AudioBytes{wav.bytes()});
    EXPECT_EQ(code(result), "AUDIO_UNSUPPORTED") << rate;
    EXPECT_THAT(message(result), AllOf(HasSubstr(std::to_string(rate)), HasSubstr("resample"))) << rate;
  }
  for (const std::uint32_t rate : {0U, 0xFFFFFFFFU}) {
    Wav wav = plain_wav();
    wav.rate = rate;
    EXPECT_THAT(code(decoded(AudioBytes{wav.bytes()})), testing::AnyOf("AUDIO_CORRUPT", "AUDIO_UNSUPPORTED")) << rate;
  }
}

TEST(BadRecording, MoreChannelsThanAnybodyHas) {
  for (const std::uint16_t channels : {33, 64, 1000, 1024, 65535}) {
    Wav wav = plain_wav();
    wav.channels = channels;
    wav.data.resize(static_cast<std::size_t>(channels) * 2 * 100);
    EXPECT_THAT(code(decoded(AudioBytes{wav.bytes()})), testing::AnyOf("AUDIO_UNSUPPORTED", "AUDIO_CORRUPT"))
        << channels;
  }
  Wav wav = plain_wav();
  wav.channels = 64;
  EXPECT_THAT(message(decoded(AudioBytes{wav.bytes()})), AllOf(HasSubstr("64 channels"), HasSubstr("mix it down")));
}

TEST(BadRecording, SamplesThatAreNoNumbers) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity(), 1e30F}) {
    Wav wav;
    wav.tag = 3;
    wav.bits = 32;
    std::vector<float> samples = sine(440, 16000, 2);
    samples[20000] = bad;
    wav.data = test::raw(samples);
    EXPECT_EQ(code(decoded(AudioBytes{wav.bytes()})), "AUDIO_CORRUPT") << bad;
    const auto own = decoded(AudioSamples{samples, 16000});
    EXPECT_EQ(code(own), "INVALID_ARGUMENT") << bad;
  }
  const auto integers = decoded(AudioSamples{{0, 12000, -32768}, 16000});
  EXPECT_EQ(code(integers), "INVALID_ARGUMENT");
  EXPECT_THAT(message(integers), AllOf(HasSubstr("32768"), HasSubstr("[-1, 1]")));
  EXPECT_EQ(code(decoded(AudioSamples{{0, 1.5F, -2}, 16000})), "") << "overshoot is no fault";
}

TEST(BadRecording, SampleRatesOfTheCallersThatAreNone) {
  for (const int rate : {0, -1, 1, 3999, 768000, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()}) {
    const auto result = decoded(AudioSamples{sine(440, 16000, 1), rate});
    EXPECT_EQ(code(result), "INVALID_ARGUMENT") << rate;
    EXPECT_THAT(message(result), HasSubstr(std::to_string(rate)));
  }
}

TEST(Limits, OfBytes) {
  const Folder folder;
  const Bytes wav = plain_wav().bytes();
  AudioLimits limits;
  limits.max_bytes = wav.size();
  EXPECT_EQ(code(decoded(AudioBytes{wav}, limits)), "");
  limits.max_bytes = wav.size() - 1;
  const auto result = decoded(AudioBytes{wav}, limits);
  EXPECT_EQ(code(result), "AUDIO_TOO_LARGE");
  EXPECT_THAT(message(result), AllOf(HasSubstr(std::to_string(wav.size())), HasSubstr("maxBytes")));
  EXPECT_EQ(code(decoded(AudioPath{folder.write("a.wav", wav)}, limits)), "AUDIO_TOO_LARGE");
}

TEST(Limits, OfSeconds) {
  AudioLimits limits;
  limits.max_seconds = 1;
  EXPECT_EQ(code(decoded(AudioBytes{plain_wav().bytes()}, limits)), "");
  EXPECT_EQ(code(decoded(AudioSamples{sine(440, 48000, 1), 48000}, limits)), "");
  Wav longer = plain_wav();
  longer.data.resize(longer.data.size() + 2);
  const auto result = decoded(AudioBytes{longer.bytes()}, limits);
  EXPECT_EQ(code(result), "AUDIO_TOO_LONG");
  EXPECT_THAT(message(result), AllOf(HasSubstr("1 s"), HasSubstr("maxSeconds")));
  EXPECT_EQ(code(decoded(AudioSamples{sine(440, 48000, 1.001), 48000}, limits)), "AUDIO_TOO_LONG");
}

TEST(Limits, CountTheSamplesOfAllChannels) {
  AudioLimits limits;
  limits.max_seconds = 1;
  limits.max_channels = 32;
  // 32 channels at 48 kHz have a second's samples in a quarter of one.
  const Folder folder;
  const auto recording = [&](double seconds) {
    const auto frames = static_cast<std::size_t>(48000 * seconds);
    return encoded(folder, SF_FORMAT_WAV | SF_FORMAT_PCM_16, std::vector<float>(frames * 32, 0.25F), 48000, 32);
  };
  EXPECT_EQ(code(decoded(AudioBytes{recording(0.25)}, limits)), "");
  const auto result = decoded(AudioBytes{recording(0.26)}, limits);
  EXPECT_EQ(code(result), "AUDIO_TOO_LONG");
  EXPECT_THAT(message(result), HasSubstr("384000"));
}

TEST(Limits, HoursOfSilenceInAFewKilobytes) {
  const Folder folder;
  AudioLimits limits;
  limits.max_seconds = 60;
  Bytes flac = encoded(folder, SF_FORMAT_FLAC | SF_FORMAT_PCM_16, std::vector<float>(8000 * 600), 8000);
  EXPECT_LT(flac.size(), 100000U);
  EXPECT_EQ(code(decoded(AudioBytes{flac}, limits)), "AUDIO_TOO_LONG");
  // Without a declared length it is found out on the way.
  flac[21] &= 0xF0;
  for (std::size_t i = 22; i < 26; ++i) flac[i] = 0;
  const auto result = decoded(AudioBytes{flac}, limits);
  EXPECT_EQ(code(result), "AUDIO_TOO_LONG");
  EXPECT_THAT(message(result), HasSubstr("60 s"));

  const Bytes opus = encoded(folder, SF_FORMAT_OGG | SF_FORMAT_OPUS, std::vector<float>(8000 * 120), 8000);
  EXPECT_EQ(code(decoded(AudioBytes{opus}, limits)), "AUDIO_TOO_LONG");
}

TEST(Interrupted, DecodingStopsAtOnce) {
  const Folder folder;
  Interrupt cancelled;
  cancelled.cancel();
  const Interrupt late{Clock::now() - std::chrono::seconds(1)};
  std::vector<AudioSource> sources = {AudioBytes{plain_wav().bytes()},
                                      AudioPath{folder.write("a.wav", plain_wav().bytes())},
                                      AudioSamples{sine(440, 48000, 1), 48000}};
  if (!audio_libraries().ffmpeg.empty()) sources.emplace_back(AudioBytes{by_ffmpeg(folder, "-c:a aac", "a.m4a")});
  for (const AudioSource& source : sources) {
    EXPECT_EQ(code(decode(source, 16000, {}, cancelled)), "ABORTED") << source.index();
    EXPECT_EQ(code(decode(source, 16000, {}, late)), "DEADLINE_EXCEEDED") << source.index();
  }
}

class Ffmpeg : public testing::Test {
 protected:
  void SetUp() override {
    if (audio_libraries().ffmpeg.empty()) GTEST_SKIP() << "no ffmpeg on the PATH";
  }

  static std::size_t descriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
    return count;
  }

  const Folder folder_;
};

TEST_F(Ffmpeg, AContainerWithNothingButItsFirstBytesIsCorrupt) {
  for (const auto& [arguments, name] :
       {std::pair{"-c:a aac", "a.m4a"}, std::pair{"-c:a aac -movflags +faststart", "b.m4a"},
        std::pair{"-c:a libopus", "a.webm"}, std::pair{"-c:a wmav2", "a.wma"}}) {
    const Bytes whole = by_ffmpeg(folder_, arguments, name);
    if (whole.empty()) continue;
    const auto result = decoded(AudioBytes{first(whole, 12)});
    EXPECT_EQ(code(result), "AUDIO_CORRUPT") << name << ": " << message(result);
    EXPECT_THAT(message(result), testing::Not(HasSubstr("/dev/fd")));
  }
}

TEST_F(Ffmpeg, AFilmWithoutSoundHoldsNoAudio) {
  const std::string command = "'" + audio_libraries().ffmpeg +
                              "' -v error -nostdin -y -f lavfi -i color=s=16x16:d=0.2 -c:v mpeg4 '" +
                              folder_.path("film.mp4") + "'";
  if (std::system(command.c_str()) != 0) GTEST_SKIP() << "this ffmpeg cannot make a film";
  const auto result = decoded(AudioPath{folder_.path("film.mp4")});
  EXPECT_EQ(code(result), "AUDIO_UNSUPPORTED");
  EXPECT_THAT(message(result), HasSubstr("no audio track"));
}

TEST_F(Ffmpeg, LimitsHoldOnTheWay) {
  Wav wav;
  wav.data.resize(2 * 16000 * 30);
  const Bytes bytes = by_ffmpeg(folder_, "-c:a aac", "a.m4a", wav);
  AudioLimits limits;
  limits.max_seconds = 5;
  EXPECT_EQ(code(decoded(AudioBytes{bytes}, limits)), "AUDIO_TOO_LONG");
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(Ffmpeg, LeavesNoChildAndNoDescriptorBehind) {
  const Bytes good = by_ffmpeg(folder_, "-c:a aac", "a.m4a");
  const std::string path = folder_.path("a.m4a");
  Interrupt cancelled;
  cancelled.cancel();
  const std::size_t before = descriptors();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(code(decoded(AudioBytes{good})), "");
    EXPECT_EQ(code(decoded(AudioPath{path})), "");
    EXPECT_EQ(code(decoded(AudioBytes{first(good, 12)})), "AUDIO_CORRUPT");
    EXPECT_EQ(code(decode(AudioPath{path}, 16000, {}, cancelled)), "ABORTED");
  }
  EXPECT_EQ(descriptors(), before);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(Ffmpeg, IsEndedWhenTheCallIsCancelledFromAnotherThread) {
  Wav wav;
  wav.data.resize(2 * 16000 * 280);
  const Bytes bytes = by_ffmpeg(folder_, "-c:a aac", "a.m4a", wav);
  Interrupt interrupt;
  std::thread canceller([&] { interrupt.cancel(); });
  const auto result = decode(AudioBytes{bytes}, 16000, {}, interrupt);
  canceller.join();
  EXPECT_EQ(code(result), "ABORTED");
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(Descriptors, AreClosedOnEveryWayOut) {
  const Folder folder;
  const auto count = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  const std::string good = folder.write("good.wav", plain_wav().bytes());
  const std::string bad = folder.write("bad.wav", first(plain_wav().bytes(), 40));
  const auto before = count();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(code(decoded(AudioPath{good})), "");
    EXPECT_EQ(code(decoded(AudioPath{bad})), "AUDIO_CORRUPT");
    EXPECT_EQ(code(decoded(AudioPath{folder.path("")})), "AUDIO_UNSUPPORTED");
  }
  EXPECT_EQ(count(), before);
}

}  // namespace
}  // namespace timbre
