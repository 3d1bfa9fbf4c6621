// Which channel and which track of a recording is taken, and that the answer says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audio/mixer.h"
#include "recordings.h"

namespace timbre {
namespace {

using test::Bytes;
using test::code;
using test::decoded;
using test::Folder;
using test::sine;
using test::Wav;
using testing::HasSubstr;

/// A recording of two channels.
Bytes stereo(const std::vector<float>& left, const std::vector<float>& right) {
  Wav wav;
  wav.channels = 2;
  std::vector<std::int16_t> samples;
  for (std::size_t i = 0; i < left.size(); ++i) {
    for (const float x : {left[i], right[i]}) samples.push_back(static_cast<std::int16_t>(std::lround(x * 32767)));
  }
  wav.data = test::raw(samples);
  return wav.bytes();
}

std::vector<float> scaled(std::vector<float> samples, float factor) {
  for (float& x : samples) x *= factor;
  return samples;
}

double level(const std::vector<float>& samples) {
  double power = 0;
  for (const float x : samples) power += static_cast<double>(x) * x;
  return std::sqrt(power / static_cast<double>(samples.size()));
}

const std::vector<float> kLow = sine(300, 16000, 1);
const std::vector<float> kHigh = sine(1700, 16000, 1);

TEST(Channels, AreMixedUnlessOneIsAskedFor) {
  const Bytes call = stereo(kLow, kHigh);
  const auto mix = decoded(AudioBytes{call});
  ASSERT_EQ(code(mix), "");
  EXPECT_EQ(mix.value().info.channel, std::nullopt);
  EXPECT_FALSE(mix.value().info.channels_cancel);
  for (const int channel : {0, 1}) {
    const auto one = decoded(AudioBytes{call}, {}, {channel, std::nullopt});
    ASSERT_EQ(code(one), "");
    EXPECT_EQ(one.value().info.channel, channel);
    EXPECT_EQ(one.value().info.channels, 2);
    EXPECT_GT(test::agreement(channel == 0 ? kLow : kHigh, one.value().samples), 80);
  }
}

TEST(Channels, ThatDoNotExistAreAnErrorThatNamesThoseThatDo) {
  const auto missing = decoded(AudioBytes{stereo(kLow, kHigh)}, {}, {2, std::nullopt});
  EXPECT_EQ(code(missing), "INVALID_ARGUMENT");
  EXPECT_THAT(missing.error().message, HasSubstr("2 channels, 0 to 1"));
  const auto mono = decoded(AudioBytes{test::plain_wav().bytes()}, {}, {1, std::nullopt});
  EXPECT_THAT(mono.error().message, HasSubstr("one channel, channel 0"));
  EXPECT_EQ(code(decoded(AudioSamples{kLow, 16000}, {}, {1, std::nullopt})), "INVALID_ARGUMENT");
  EXPECT_EQ(code(decoded(AudioSamples{kLow, 16000}, {}, {0, 0})), "");
}

TEST(Channels, InOppositePhaseGiveTheStrongerOneAndSaySo) {
  const Folder folder;
  for (const float factor : {-1.0F, -0.8F, -1.2F}) {
    const Bytes file = stereo(scaled(kLow, 0.7F), scaled(kLow, 0.7F * factor));
    for (const AudioSource& source :
         {AudioSource(AudioBytes{file}), AudioSource(AudioPath{folder.write("a.wav", file)})}) {
      const auto audio = decoded(source);
      ASSERT_EQ(code(audio), "");
      EXPECT_TRUE(audio.value().info.channels_cancel) << factor;
      EXPECT_EQ(audio.value().info.channel, factor < -1 ? 1 : 0) << factor;
      EXPECT_NEAR(audio.value().info.seconds, 1, 1e-9);
      EXPECT_NEAR(level(audio.value().samples), 0.7 * level(kLow) * std::max(1.0F, -factor), 0.01) << factor;
    }
  }
}

TEST(Channels, ThatDifferInLevelOrContentDoNotCancel) {
  const std::vector<float> silence(16000);
  for (const auto& [left, right] : {std::pair{kLow, kLow}, std::pair{kLow, kHigh}, std::pair{kLow, silence},
                                    std::pair{silence, silence}, std::pair{kLow, scaled(kLow, -0.05F)}}) {
    const auto audio = decoded(AudioBytes{stereo(left, right)});
    ASSERT_EQ(code(audio), "");
    EXPECT_FALSE(audio.value().info.channels_cancel);
    EXPECT_EQ(audio.value().info.channel, std::nullopt);
  }
}

TEST(Channels, OfLinksThatFollowEachOtherAreJudgedLinkByLink) {
  const Bytes file = test::joined(stereo(kLow, scaled(kLow, -1)), stereo(kLow, kLow));
  const auto audio = decoded(AudioBytes{file});
  ASSERT_EQ(code(audio), "");
  EXPECT_TRUE(audio.value().info.channels_cancel);
  EXPECT_NEAR(audio.value().info.seconds, 2, 1e-9);
  EXPECT_NEAR(level(audio.value().samples), level(kLow), 0.01);
}

TEST(Mixer, ManyChannelsOfNothingInCommonDoNotCancel) {
  constexpr std::size_t kChannels = 32;
  std::uint32_t state = 1;
  std::vector<float> block(kChannels * 4000);
  for (float& x : block) {
    state = state * 1664525U + 1013904223U;
    x = static_cast<float>(state >> 8U) / 8388608.0F - 1.0F;
  }
  Mixer mixer(kChannels, std::nullopt);
  EXPECT_EQ(mixer.mix(block).size(), 4000U);
  EXPECT_EQ(mixer.strongest_of_cancelled(), std::nullopt);
}

class Tracks : public testing::Test {
 protected:
  void SetUp() override {
    if (audio_libraries().ffmpeg.empty()) GTEST_SKIP() << "no ffmpeg on the PATH";
  }

  /// Two tracks, the first silent; `disposition` says which is the default.
  Bytes two_tracks(const std::string& codec, const std::string& disposition, const std::string& name) {
    const std::string path = folder_.write("in.wav", test::plain_wav().bytes());
    const std::string command =
        "'" + audio_libraries().ffmpeg + "' -v error -nostdin -y -f lavfi -i anullsrc=r=16000:cl=mono:d=1 -i '" + path +
        "' -map 0:a -map 1:a -t 1 -c:a " + codec + " " + disposition + " '" + folder_.path(name) + "'";
    return std::system(command.c_str()) == 0 ? folder_.read(name) : Bytes{};
  }

  const Folder folder_;
};

TEST_F(Tracks, TheContainersDefaultIsTakenAndTheirNumberTold) {
  for (const auto& [codec, name] : {std::pair{"libopus", "a.mkv"}, std::pair{"aac", "a.mp4"}}) {
    for (const int chosen : {0, 1}) {
      const std::string disposition =
          chosen == 0 ? "-disposition:a:0 default -disposition:a:1 0" : "-disposition:a:0 0 -disposition:a:1 default";
      const auto audio = decoded(AudioBytes{two_tracks(codec, disposition, name)});
      ASSERT_EQ(code(audio), "") << name << audio.error().message;
      EXPECT_EQ(audio.value().info.tracks, 2) << name;
      EXPECT_EQ(audio.value().info.track, chosen) << name;
      EXPECT_EQ(level(audio.value().samples) > 0.1, chosen == 1) << name;
    }
  }
}

TEST_F(Tracks, OneIsChosenByItsNumber) {
  const Bytes file = two_tracks("libopus", "-disposition:a:0 0 -disposition:a:1 default", "a.mkv");
  for (const int track : {0, 1}) {
    const auto audio = decoded(AudioBytes{file}, {}, {std::nullopt, track});
    ASSERT_EQ(code(audio), "") << audio.error().message;
    EXPECT_EQ(audio.value().info.track, track);
    EXPECT_EQ(level(audio.value().samples) > 0.1, track == 1);
  }
  const auto missing = decoded(AudioBytes{file}, {}, {std::nullopt, 2});
  EXPECT_EQ(code(missing), "INVALID_ARGUMENT");
  EXPECT_THAT(missing.error().message, HasSubstr("2 audio tracks, 0 to 1"));
}

TEST_F(Tracks, ContainersOfOneTrackHaveNoSecond) {
  const auto audio = decoded(AudioBytes{test::plain_wav().bytes()}, {}, {std::nullopt, 1});
  EXPECT_EQ(code(audio), "INVALID_ARGUMENT");
  EXPECT_THAT(audio.error().message, HasSubstr("one audio track"));
  EXPECT_EQ(code(decoded(AudioBytes{test::plain_wav().bytes()}, {}, {std::nullopt, 0})), "");
}

}  // namespace
}  // namespace timbre
