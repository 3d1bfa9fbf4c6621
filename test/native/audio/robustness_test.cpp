// Valid recordings of every format with seeded damage: never a crash, never a word on stderr, only typed errors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "recordings.h"

// libsndfile 1.2 forgets a few kilobytes of Vorbis's whenever it refuses a damaged Vorbis header.
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:vorbis_info_init\nleak:vorbis_synthesis_headerin\n";
}

namespace timbre {
namespace {

using test::Bytes;
using test::decoded;
using test::encoded;
using test::Folder;

using Random = std::mt19937;

std::size_t below(Random& random, std::size_t bound) {
  return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
}

/// Damage of the kinds that disks, networks and attackers do.
Bytes damaged(Bytes bytes, Random& random) {
  for (std::size_t rounds = 1 + below(random, 4); rounds > 0 && bytes.size() > 8; --rounds) {
    // Headers matter most.
    const std::size_t reach = below(random, 2) == 0 ? std::min<std::size_t>(bytes.size(), 128) : bytes.size();
    const std::size_t at = below(random, reach);
    switch (below(random, 6)) {
      case 0:
        bytes[at] ^= static_cast<std::uint8_t>(1U << below(random, 8));
        break;
      case 1:
        bytes[at] = static_cast<std::uint8_t>(below(random, 256));
        break;
      case 2:  // an extreme number
        for (std::size_t i = at; i < std::min(at + 4, bytes.size()); ++i) bytes[i] = below(random, 2) == 0 ? 0xFF : 0;
        break;
      case 3:
        bytes.resize(1 + below(random, bytes.size()));
        break;
      case 4: {  // a piece left out
        const std::size_t end = std::min(bytes.size(), at + 1 + below(random, 64));
        bytes.erase(bytes.begin() + static_cast<long>(at), bytes.begin() + static_cast<long>(end));
        break;
      }
      default: {  // a piece said twice
        const std::size_t end = std::min(bytes.size(), at + 1 + below(random, 64));
        const Bytes piece(bytes.begin() + static_cast<long>(at), bytes.begin() + static_cast<long>(end));
        bytes.insert(bytes.begin() + static_cast<long>(below(random, bytes.size())), piece.begin(), piece.end());
      }
    }
  }
  return bytes;
}

/// Run where there is no ffmpeg, see CMakeLists.txt: that has its own process to crash in, and would only cost time
/// here.
class Robustness : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(Formats, Robustness,
                         testing::Values(SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_WAV | SF_FORMAT_FLOAT,
                                         SF_FORMAT_WAV | SF_FORMAT_ULAW, SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM,
                                         SF_FORMAT_WAV | SF_FORMAT_MS_ADPCM, SF_FORMAT_WAV | SF_FORMAT_GSM610,
                                         SF_FORMAT_RF64 | SF_FORMAT_PCM_16, SF_FORMAT_W64 | SF_FORMAT_PCM_16,
                                         SF_FORMAT_AIFF | SF_FORMAT_PCM_24, SF_FORMAT_AU | SF_FORMAT_PCM_16,
                                         SF_FORMAT_CAF | SF_FORMAT_PCM_16, SF_FORMAT_CAF | SF_FORMAT_ALAC_16,
                                         SF_FORMAT_FLAC | SF_FORMAT_PCM_16, SF_FORMAT_OGG | SF_FORMAT_VORBIS,
                                         SF_FORMAT_OGG | SF_FORMAT_OPUS, SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III));

TEST_P(Robustness, DamageGivesTypedErrors) {
  const Folder folder;
  std::vector<float> signal(8000);
  Random random(static_cast<Random::result_type>(GetParam()));
  for (float& x : signal) x = std::uniform_real_distribution<float>(-0.5F, 0.5F)(random);
  const Bytes whole = encoded(folder, GetParam(), signal, 16000);
  AudioLimits limits;
  limits.max_seconds = 10;
  testing::internal::CaptureStderr();
  int refused = 0;
  for (int i = 0; i < 250; ++i) {
    const auto result = decoded(AudioBytes{damaged(whole, random)}, limits);
    if (result) {
      ASSERT_LE(result.value().samples.size(), 160001U);
      for (const float x : result.value().samples) ASSERT_TRUE(std::isfinite(x));
      continue;
    }
    ++refused;
    ASSERT_THAT(std::string(name(result.error().code)), testing::StartsWith("AUDIO_")) << result.error().message;
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace timbre
