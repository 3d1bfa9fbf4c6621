// Waveform to vector against the families' own code: on committed vectors, and on those that may lie beside the
// project (their checkpoints are made again by a formula, which takes Python).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "audio/decode.h"
#include "checkpoint_writer.h"
#include "npz.h"
#include "scratch.h"
#include "torch_bundle/bundles.h"

namespace timbre::bundle {
namespace {

using nlohmann::json;
using namespace testing;

constexpr double kRelativeError = 1e-4;
constexpr double kOneMinusCosine = 1e-6;

void expect_same(const bundle::Embedding& found, const std::vector<float>& expected) {
  EXPECT_LE(relative_error(found, expected), kRelativeError);
  EXPECT_LE(one_minus_cosine(found, expected), kOneMinusCosine);
}

float largest_difference(const Matrix& features, const NpyArray& expected) {
  EXPECT_EQ(features.rows, expected.shape.at(0));
  EXPECT_EQ(features.cols, expected.shape.at(1));
  float largest = 0;
  for (std::size_t i = 0; i < std::min(features.values.size(), expected.values.size()); ++i) {
    largest = std::max(largest, std::abs(features.values[i] - expected.values[i]));
  }
  return largest;
}

// ------------------------------------------------------------------------------------------- committed vectors

std::vector<std::string> fixtures() {
  return {"3dspeaker-c8.safetensors",
          "speechbrain-c16.ckpt",
          "taoruijie-c8.safetensors",
          "wespeaker-c8.safetensors",
          "wespeaker-glob-c16.ckpt",
          "wespeaker-embbn-c8.safetensors",
          "wespeaker-glob-embbn-c8.safetensors",
          "campplus-w2.safetensors"};
}

class CommittedParityTest : public ::testing::TestWithParam<std::string> {};

TEST_P(CommittedParityTest, AgreesFromWaveformToVectorAloneAndTogether) {
  const Scratch scratch;
  const json rows = json::parse(read_file(kCheckpoints + "embeddings.json")).at("embeddings");
  const std::string family = rows.at(GetParam()).at("family");
  take(checkpoint::convert_checkpoint(request(kCheckpoints + GetParam(), family, scratch / "x.pt")));
  const auto model = take(load_torch_model(scratch / "x.pt", "cpu", kShipped));
  const auto front_end = take(FrontEnd::create(model->manifest().front_end));
  const Npz vectors(TIMBRE_FIXTURES "/features/vectors.npz");
  std::vector<Matrix> features;
  std::vector<std::vector<float>> expected;
  for (const std::string signal : {"voice", "noise", "tone"}) {
    std::vector<float> samples = vectors.read("samples/" + signal).values;
    for (float& sample : samples) {
      sample /= 32768;
    }
    features.push_back(take(front_end->compute(samples)));
    expected.push_back(vectors.read("embedding/" + GetParam() + "/" + signal).values);
    expect_same(embed(*model, {features.back()})[0], expected.back());
  }
  const auto together = embed(*model, features);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    expect_same(together[i], expected[i]);
  }
}

/// A name that GoogleTest takes.
std::string test_name(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return "of_" + text;
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, CommittedParityTest, ::testing::ValuesIn(fixtures()),
                         [](const auto& test) { return test_name(test.param); });

/// Features that are no special case of anything.
Matrix features_of(std::size_t frames) {
  Matrix features(frames, 80);
  for (std::size_t i = 0; i < features.values.size(); ++i) {
    const auto at = static_cast<double>(i + 7919 * frames);
    features.values[i] = static_cast<float>(4 * std::sin(1e-3 * at * std::sqrt(at)));
  }
  return features;
}

class PaddingTest : public ::testing::TestWithParam<std::string> {};

TEST_P(PaddingTest, ChangesNoUtteranceOfAnyLength) {
  const Scratch scratch;
  const json rows = json::parse(read_file(kCheckpoints + "embeddings.json")).at("embeddings");
  take(checkpoint::convert_checkpoint(
      request(kCheckpoints + GetParam(), rows.at(GetParam()).at("family"), scratch / "x.pt")));
  const auto model = take(load_torch_model(scratch / "x.pt", "cpu", kShipped));
  const std::size_t shortest = model->manifest().shortest_frames;
  std::vector<Matrix> features;
  std::vector<bundle::Embedding> alone;
  for (std::size_t frames = shortest; frames <= shortest + 40; ++frames) {
    features.push_back(features_of(frames));
    alone.push_back(embed(*model, {features.back()})[0]);
  }
  const auto compare = [&](const std::vector<std::size_t>& order) {
    std::vector<Matrix> batch;
    for (const std::size_t i : order) {
      batch.push_back(features[i]);
    }
    const auto together = embed(*model, batch);
    for (std::size_t i = 0; i < order.size(); ++i) {
      EXPECT_LE(relative_error(together[i], alone[order[i]]), 1e-5) << features[order[i]].rows << " frames";
    }
  };
  std::vector<std::size_t> all(features.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = (i * 17 + 5) % all.size();
  }
  compare(all);
  for (std::size_t i = 0; i + 1 < features.size(); ++i) {
    compare({i, features.size() - 1});
    compare({i + 1, i});
  }
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, PaddingTest,
                         ::testing::Values("3dspeaker-c8.safetensors", "speechbrain-c16.ckpt",
                                           "taoruijie-c8.safetensors", "wespeaker-c8.safetensors",
                                           "wespeaker-glob-c16.ckpt", "timbre-c8.safetensors",
                                           "campplus-w2.safetensors"),
                         [](const auto& test) { return test_name(test.param); });

// ------------------------------------------------------------------------------------------- vectors of others' code

const std::string kGolden = TIMBRE_FIXTURES "/golden/";
const std::string kSpeech = TIMBRE_SHARED "/speech/";
constexpr double kLongestTogether = 4;  ///< seconds

struct Case {
  std::string name;
  std::size_t frames = 0;
  std::vector<float> samples;
};

/// A slice of a recording, or a synthetic signal.
std::vector<float> samples_of(const json& row, const Npz& synthetic) {
  if (row.contains("synthetic")) {
    return synthetic.read(row.at("synthetic")).values;
  }
  const AudioPath path{kSpeech + row.at("file").get<std::string>()};
  const Audio audio = take(decode(path, 16000, AudioLimits{}, Interrupt{}));
  const auto first = audio.samples.begin() + row.at("start").get<std::ptrdiff_t>();
  std::vector<float> samples(first, first + row.at("samples").get<std::ptrdiff_t>());
  std::vector<std::int16_t> integers;
  for (const float sample : samples) {
    integers.push_back(static_cast<std::int16_t>(std::lround(sample * 32768)));
  }
  EXPECT_EQ(crc32(raw_bytes(integers)), row.at("crc32_pcm16")) << path.path;
  return samples;
}

/// Synthetic signals, and slices of recorded speech where it lies beside the project.
std::vector<Case> cases_of(const std::string& family) {
  const Npz synthetic(kGolden + "speechbrain/synthetic.npz");
  const bool has_speech = std::filesystem::is_directory(kSpeech);
  std::vector<Case> cases;
  for (const json& row : json::parse(read_file(kGolden + family + "/cases.json"))) {
    if (row.contains("file") && !has_speech) continue;
    cases.push_back({row.at("name"), row.at("frames"), samples_of(row, synthetic)});
  }
  return cases;
}

TEST(GoldenParity, HasRecordedSpeech) {
  if (!std::filesystem::is_directory(kSpeech)) {
    GTEST_SKIP() << "no recorded speech at " << kSpeech << ": parity is shown on synthetic signals alone";
  }
  EXPECT_GE(cases_of("speechbrain").size(), 10U);
}

struct Golden {
  std::string family;
  std::string size;
  float features_bound;
};

class GoldenParityTest : public ::testing::TestWithParam<Golden> {
 protected:
  std::unique_ptr<const Model> model() {
    const auto& [family, size, bound] = GetParam();
    const std::string checkpoint = scratch_ / "golden.ckpt";
    const std::string command = TIMBRE_PYTHON " '" + kGolden + "make_checkpoint.py' --variant " + family + "/" + size +
                                " --seed 0 --out '" + checkpoint + "'";
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    take(checkpoint::convert_checkpoint(request(checkpoint, family, scratch_ / "golden.pt")));
    return take(load_torch_model(scratch_ / "golden.pt", "cpu", kShipped));
  }

  Scratch scratch_;
};

TEST_P(GoldenParityTest, AgreesFromWaveformToVectorAloneAndTogether) {
  const auto& [family, size, bound] = GetParam();
  const auto network = model();
  const auto front_end = take(FrontEnd::create(network->manifest().front_end));
  const Npz vectors(kGolden + family + "/vectors.npz");
  const std::vector<Case> cases = cases_of(family);
  ASSERT_GE(cases.size(), 5U);

  std::vector<Matrix> features;
  std::vector<std::vector<float>> expected;
  double worst_features = 0;
  double worst_embedding = 0;
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    features.push_back(take(front_end->compute(one.samples)));
    EXPECT_EQ(features.back().rows, one.frames);
    if (vectors.contains("features/" + one.name)) {
      const float worst = largest_difference(features.back(), vectors.read("features/" + one.name));
      EXPECT_LE(worst, bound);
      worst_features = std::max<double>(worst_features, worst);
    }
    expected.push_back(vectors.read("embedding/" + size + "/" + one.name).values);
    const bundle::Embedding alone = embed(*network, {features.back()})[0];
    expect_same(alone, expected.back());
    worst_embedding = std::max(worst_embedding, relative_error(alone, expected.back()));
  }
  RecordProperty("worst_feature", std::to_string(worst_features));
  RecordProperty("worst_embedding", std::to_string(worst_embedding));

  // All short ones together, and the shortest beside the longest.
  const auto compare = [&](const std::vector<std::size_t>& order) {
    std::vector<Matrix> batch;
    for (const std::size_t i : order) {
      batch.push_back(features[i]);
    }
    const auto together = embed(*network, batch);
    for (std::size_t i = 0; i < order.size(); ++i) {
      SCOPED_TRACE(cases[order[i]].name + " in a batch of " + std::to_string(order.size()));
      expect_same(together[i], expected[order[i]]);
    }
  };
  const auto shorter = [&](std::size_t a, std::size_t b) { return features[a].rows < features[b].rows; };
  std::vector<std::size_t> order(cases.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  std::vector<std::size_t> together;
  std::ranges::copy_if(order, std::back_inserter(together), [&](std::size_t i) {
    return static_cast<double>(cases[i].samples.size()) <= kLongestTogether * 16000;
  });
  compare(together);
  const auto [shortest, longest] = std::ranges::minmax_element(order, shorter);
  compare({*shortest, *longest});
}

INSTANTIATE_TEST_SUITE_P(Variants, GoldenParityTest,
                         ::testing::Values(Golden{"speechbrain", "c64", 2e-3F}, Golden{"speechbrain", "c1024", 2e-3F},
                                           Golden{"wespeaker", "c512", 5e-3F}, Golden{"wespeaker", "glob_c512", 5e-3F},
                                           Golden{"wespeaker", "glob_c1024", 5e-3F},
                                           Golden{"wespeaker", "glob_c512_embbn", 5e-3F},
                                           Golden{"3dspeaker", "c1024", 5e-3F}, Golden{"taoruijie", "c1024", 5e-3F}),
                         [](const auto& test) { return test_name(test.param.family + "_" + test.param.size); });

}  // namespace
}  // namespace timbre::bundle
