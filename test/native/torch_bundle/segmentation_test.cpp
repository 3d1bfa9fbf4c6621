// The segmentation network: from a checkpoint to a bundle, and its forward pass against the module's own code.
#include <ATen/Functions.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/serialization/import.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>

#include "audio/decode.h"
#include "bundle/segmentation_model.h"
#include "bundle/synthetic.h"
#include "bundle/update_manifest.h"
#include "bundle/verify.h"
#include "checkpoint_writer.h"
#include "network/torch_settings.h"
#include "scratch.h"
#include "stops_after.h"
#include "torch_bundle/bundles.h"

namespace timbre::bundle {
namespace {

using conversation::kClasses;
using conversation::kWindowFrames;
using conversation::kWindowSamples;
using nlohmann::json;
using ::testing::HasSubstr;
using namespace testing;

/// What probabilities may differ by: the published network differs by as much from its own port elsewhere.
constexpr double kMostDifference = 5e-4;

/// A checkpoint of the published sizes, named as the published one, with weights as before a training.
std::vector<NamedTensor> tensors_of_segmentation() {
  std::mt19937 generator(1);
  std::vector<NamedTensor> tensors;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape, double low, double high) {
    std::size_t count = 1;
    for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
    std::uniform_real_distribution<float> uniform(static_cast<float>(low), static_cast<float>(high));
    std::vector<float> values(count);
    for (float& value : values) value = uniform(generator);
    tensors.push_back({name, std::move(shape), std::move(values)});
  };
  const auto layer = [&](const std::string& name, std::vector<std::int64_t> shape) {
    double inputs = 1;
    for (std::size_t i = 1; i < shape.size(); ++i) inputs *= static_cast<double>(shape[i]);
    const std::int64_t outputs = shape[0];
    add(name + ".weight", std::move(shape), -2 / std::sqrt(inputs), 2 / std::sqrt(inputs));
    add(name + ".bias", {outputs}, -0.5, 0.5);
  };
  const auto norm = [&](const std::string& name, std::int64_t channels) {
    add(name + ".weight", {channels}, 0.5, 1.5);
    add(name + ".bias", {channels}, -0.5, 0.5);
  };
  norm("sincnet.wav_norm1d", 1);
  add("sincnet.conv1d.0.filterbank.low_hz_", {40, 1}, -100, 7000);
  add("sincnet.conv1d.0.filterbank.band_hz_", {40, 1}, -20, 1500);
  add("sincnet.conv1d.0.filterbank.window_", {125}, 0, 1);
  add("sincnet.conv1d.0.filterbank.n_", {1, 125}, -1, 0);
  layer("sincnet.conv1d.1", {60, 80, 5});
  layer("sincnet.conv1d.2", {60, 60, 5});
  norm("sincnet.norm1d.0", 80);
  norm("sincnet.norm1d.1", 60);
  norm("sincnet.norm1d.2", 60);
  for (int at = 0; at < 4; ++at) {
    for (const std::string direction : {"", "_reverse"}) {
      const std::string end = "_l" + std::to_string(at) + direction;
      add("lstm.weight_ih" + end, {512, at == 0 ? 60 : 256}, -0.2, 0.2);
      add("lstm.weight_hh" + end, {512, 128}, -0.2, 0.2);
      add("lstm.bias_ih" + end, {512}, -0.2, 0.2);
      add("lstm.bias_hh" + end, {512}, -0.2, 0.2);
    }
  }
  layer("linear.0", {128, 256});
  layer("linear.1", {128, 128});
  layer("classifier", {7, 128});
  return tensors;
}

/// A window of espeak-ng's speech.
std::vector<float> spoken(const std::string& voice) {
  const std::string command =
      "espeak-ng -v " + voice + " --stdout 'Could we meet on Thursday? I would rather not, but Friday is possible.'";
  FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("espeak-ng cannot be started");
  AudioBytes wav;
  std::array<std::uint8_t, 65536> block;
  while (const std::size_t count = std::fread(block.data(), 1, block.size(), pipe)) {
    wav.bytes.insert(wav.bytes.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(count));
  }
  if (::pclose(pipe) != 0) throw std::runtime_error("espeak-ng failed");
  std::vector<float> samples = take(decode(wav, conversation::kSampleRate, {}, kUninterrupted)).samples;
  if (samples.size() < kWindowSamples / 4) throw std::runtime_error("espeak-ng said nothing");
  samples.resize(kWindowSamples);
  return samples;
}

class SegmentationTest : public ::testing::Test {
 protected:
  std::string write(const std::vector<NamedTensor>& tensors) {
    const std::string path = scratch_ / "checkpoint.pt";
    write_file(path, write_checkpoint(tensors));
    return path;
  }

  /// A bundle of random weights.
  std::string make_bundle() {
    take(checkpoint::convert_checkpoint(request(write(tensors_of_segmentation()), "", scratch_ / "x.pt")));
    return scratch_ / "x.pt";
  }

  Scratch scratch_;
};

TEST_F(SegmentationTest, IsConvertedToABundleOfItsOwnKind) {
  const auto manifest =
      take(checkpoint::convert_checkpoint(request(write(tensors_of_segmentation()), "", scratch_ / "x.pt")));
  EXPECT_EQ(manifest.kind, Kind::segmentation);
  EXPECT_EQ(manifest.family, "segmentation");
  EXPECT_EQ(manifest.front_end.sample_rate, 16000);
  EXPECT_EQ(manifest.window_samples, 160000U);
  const json described = json::parse(manifest.json);
  EXPECT_EQ(described.at("kind"), "segmentation");
  EXPECT_EQ(described.at("network"),
            json({{"filterPairs", 40}, {"convChannels", 60}, {"lstmUnits", 128}, {"linearUnits", 128}}));
  for (const char* field : {"embedding", "frontEnd", "pauses"}) EXPECT_FALSE(described.contains(field)) << field;

  const auto report = take(verify_bundle(scratch_ / "x.pt", "cpu", kShipped));
  EXPECT_TRUE(report.passed);
  EXPECT_EQ(report.cases.size(), 4U);
}

TEST_F(SegmentationTest, ComputesWhatTheModuleComputes) {
  const std::string path = make_bundle();
  const auto model = take(load_segmentation_model(path, kShipped));
  const network::TorchScope scope;
  auto module = torch::jit::load(path);
  module.eval();

  std::mt19937 generator(3);
  std::normal_distribution<float> normal(0, 0.1F);
  std::vector<float> noise(kWindowSamples);
  for (float& sample : noise) sample = normal(generator);
  std::vector<float> loud = noise;
  for (float& sample : loud) sample *= 50;
  auto voice = synthesise("voice", 10, 5, 16000).value();
  auto word = synthesise("voice", 0.7, 9, 16000).value();
  word.resize(kWindowSamples);
  const std::vector<std::pair<std::string, std::vector<float>>> windows = {
      {"noise", noise},
      {"loud noise", loud},
      {"silence", std::vector<float>(kWindowSamples)},
      {"a voice", voice},
      {"a word and silence", word},
      {"a woman", spoken("en-us+f2")},
      {"a man", spoken("en-gb+m3")}};
  for (const auto& [name, window] : windows) {
    SCOPED_TRACE(name);
    const auto found = take(model.network->log_probabilities({&window, 1})).front();
    const at::Tensor batch = at::from_blob(const_cast<float*>(window.data()), {1, 1, std::ssize(window)}, at::kFloat);
    const at::Tensor expected = module.forward({batch}).toTensor().flatten().contiguous();
    ASSERT_EQ(static_cast<std::size_t>(expected.numel()), kWindowFrames * kClasses);
    const auto* values = expected.const_data_ptr<float>();
    double worst = 0;
    std::size_t others = 0;
    for (std::size_t t = 0; t < kWindowFrames; ++t) {
      const float* here = found.data() + t * kClasses;
      const float* there = values + t * kClasses;
      double sum = 0;
      for (std::size_t c = 0; c < kClasses; ++c) {
        worst = std::max(worst, std::abs(std::exp(static_cast<double>(here[c])) - std::exp(there[c])));
        sum += std::exp(here[c]);
      }
      EXPECT_NEAR(sum, 1, 1e-5);
      others += std::max_element(here, here + kClasses) - here != std::max_element(there, there + kClasses) - there;
    }
    EXPECT_LE(worst, kMostDifference);
    EXPECT_EQ(others, 0U);
  }
}

TEST_F(SegmentationTest, HearsWindowsTogetherAsAlone) {
  const auto model = take(load_segmentation_model(make_bundle(), kShipped));
  const std::vector<std::vector<float>> windows = {spoken("en-us+f2"), spoken("en-gb+m3"),
                                                   std::vector<float>(kWindowSamples), spoken("en-us")};
  for (std::size_t count = 2; count <= windows.size(); ++count) {
    const auto together = take(model.network->log_probabilities(std::span(windows).first(count)));
    ASSERT_EQ(together.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(together[i], take(model.network->log_probabilities({&windows[i], 1})).front()) << count << ' ' << i;
    }
  }
  EXPECT_TRUE(take(model.network->log_probabilities({})).empty());
}

TEST_F(SegmentationTest, TakesWindowsOfOneLength) {
  const auto model = take(load_segmentation_model(make_bundle(), kShipped));
  for (const std::size_t samples : {std::size_t{0}, kWindowSamples - 1, kWindowSamples + 1}) {
    const std::vector<float> window(samples);
    EXPECT_EQ(model.network->log_probabilities({&window, 1}).error().code, ErrorCode::INVALID_ARGUMENT);
  }
  const std::vector<std::vector<float>> many(conversation::kMostWindows + 1, std::vector<float>(kWindowSamples));
  EXPECT_EQ(model.network->log_probabilities(many).error().code, ErrorCode::INVALID_ARGUMENT);
}

TEST_F(SegmentationTest, StopsWithinAWindow) {
  const auto model = take(load_segmentation_model(make_bundle(), kShipped));
  const std::vector<float> window(kWindowSamples, 0.1F);
  const test::StopsAfter never;
  take(model.network->log_probabilities({&window, 1}, never));
  EXPECT_GE(never.asked(), 10U);
  for (const std::size_t times : {std::size_t{0}, never.asked() - 1}) {
    const test::StopsAfter interrupt(times);
    EXPECT_EQ(model.network->log_probabilities({&window, 1}, interrupt).error().code, ErrorCode::ABORTED);
  }
}

TEST_F(SegmentationTest, SaysThatSamplesAreNotFinite) {
  const auto model = take(load_segmentation_model(make_bundle(), kShipped));
  std::vector<float> window(kWindowSamples, 0.1F);
  window[80000] = std::nanf("");
  EXPECT_EQ(model.network->log_probabilities({&window, 1}).error().code, ErrorCode::INFERENCE_FAILED);
}

TEST_F(SegmentationTest, IsNoEmbeddingModelAndTheOtherWayRound) {
  const auto embeds = load_torch_model(make_bundle(), "cpu", kShipped);
  ASSERT_FALSE(embeds);
  EXPECT_EQ(embeds.error().code, ErrorCode::MODEL_INVALID);
  EXPECT_THAT(embeds.error().message, HasSubstr("'test' is a segmentation network"));
  EXPECT_THAT(embeds.error().message, HasSubstr("take an embedding model"));

  take(checkpoint::convert_checkpoint(
      request(kCheckpoints + "speechbrain-c16.ckpt", "speechbrain", scratch_ / "embeds.pt")));
  const auto segments = load_segmentation_model(scratch_ / "embeds.pt", kShipped);
  ASSERT_FALSE(segments);
  EXPECT_EQ(segments.error().code, ErrorCode::MODEL_INVALID);
  EXPECT_THAT(segments.error().message, HasSubstr("timbre models pull segmentation"));
}

TEST_F(SegmentationTest, IsRefusedInOtherSizesPrecisionsAndWithPauses) {
  auto wanted = request(write(tensors_of_segmentation()), "segmentation", scratch_ / "y.pt");
  const auto refusal = [&] {
    const auto made = checkpoint::convert_checkpoint(wanted);
    return made ? Error{ErrorCode::INTERNAL, "it was converted"} : made.error();
  };
  wanted.pauses = "cut";
  EXPECT_EQ(refusal().code, ErrorCode::INVALID_ARGUMENT);
  EXPECT_THAT(refusal().message, HasSubstr("leave out pauses"));
  wanted.pauses = "";
  wanted.precision = "int8";
  EXPECT_EQ(refusal().code, ErrorCode::INVALID_ARGUMENT);
  wanted.precision = "fp32";

  // Half as many linear units are a network of the same kind that the forward pass does not have.
  auto tensors = tensors_of_segmentation();
  const auto resize = [&](const std::string& name, std::vector<std::int64_t> shape, std::size_t count) {
    const auto found = std::ranges::find(tensors, name, &NamedTensor::name);
    found->shape = std::move(shape);
    found->values.resize(count);
  };
  resize("linear.0.weight", {64, 256}, 64 * 256);
  resize("linear.0.bias", {64}, 64);
  resize("linear.1.weight", {64, 64}, 64 * 64);
  resize("linear.1.bias", {64}, 64);
  resize("classifier.weight", {7, 64}, 7 * 64);
  wanted.checkpoint = write(tensors);
  EXPECT_EQ(refusal().code, ErrorCode::MODEL_INVALID);
  EXPECT_THAT(refusal().message, HasSubstr("other sizes than those of segmentation-3.0"));
}

TEST_F(SegmentationTest, KeepsItsKindWhateverTheFactsSay) {
  const std::string path = make_bundle();
  const auto refused = update_manifest(path, R"({"kind": "embedding"})", scratch_ / "z.pt");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::INVALID_ARGUMENT);
  const auto updated = take(update_manifest(path, R"({"licence": "MIT"})", scratch_ / "z.pt"));
  EXPECT_EQ(updated.kind, Kind::segmentation);
  EXPECT_EQ(updated.identity, take(read_manifest(path)).identity);
  take(load_segmentation_model(scratch_ / "z.pt", kShipped));
}

TEST_F(SegmentationTest, RefusesDamagedWeights) {
  const std::string path = make_bundle();
  std::string bytes = read_file(path);
  // In the largest tensors, which lie in the middle.
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x40);
  write_file(path, bytes);
  EXPECT_EQ(load_segmentation_model(path, kShipped).error().code, ErrorCode::MODEL_INVALID);
}

}  // namespace
}  // namespace timbre::bundle
