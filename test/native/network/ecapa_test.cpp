#include "network/ecapa.h"

#include <ATen/Functions.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "network/modules.h"
#include "stops_after.h"

namespace timbre::network {
namespace {

using torch::jit::Module;
using namespace testing;

using EcapaTest = ModuleTest;

// ------------------------------------------------------------------------------------------- what it computes

class EcapaOfFixtureTest : public EcapaTest, public ::testing::WithParamInterface<std::string> {};

TEST_P(EcapaOfFixtureTest, ComputesWhatTheModuleComputes) {
  Module module = module_of(GetParam());
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    const auto network = EcapaNetwork::of(module, precision);
    ASSERT_NE(network, nullptr);
    // Down and up: a thread keeps what is left of the utterance before.
    for (const std::int64_t frames : {1201, 5, 300, 6, 17, 385, 1201}) {
      SCOPED_TRACE(std::to_string(frames) + " frames in " + (precision == Precision::fp32 ? "fp32" : "bf16"));
      const at::Tensor features = at::arange(frames * 80, at::kFloat).pow(1.5).mul_(1e-3).sin_().mul_(4);
      const at::Tensor expected =
          module.forward({features.view({1, frames, 80}), at::full({1}, frames, at::kLong)}).toTensor().contiguous();
      const auto* values = expected.const_data_ptr<float>();
      const Embedding found = take(
          network->embed({features.const_data_ptr<float>(), static_cast<std::size_t>(frames), 80, 80}, kUninterrupted));
      // Of a few frames, and of the few channels of a fixture, roundings do not even out.
      const double rounding = precision == Precision::fp32 ? 1e-4 : frames < 100 ? 0.15 : 0.03;
      EXPECT_LE(relative_error(found, {values, values + expected.numel()}), rounding);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, EcapaOfFixtureTest,
                         ::testing::Values("3dspeaker-c8.safetensors", "speechbrain-c16.ckpt",
                                           "taoruijie-c8.safetensors", "timbre-c8.safetensors",
                                           "wespeaker-c8.safetensors", "wespeaker-embbn-c8.safetensors",
                                           "wespeaker-glob-c16.ckpt", "wespeaker-glob-embbn-c8.safetensors"),
                         [](const auto& test) {
                           std::string name = test.param.substr(0, test.param.find('.'));
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST_F(EcapaTest, IsTheSameBitForBitOnSeveralThreads) {
  for (const bool int8 : {false, true}) {
    const Module module = module_of("wespeaker-glob-c16.ckpt", int8 ? "int8" : "fp32");
    for (const Precision precision : {Precision::fp32, Precision::bf16}) {
      const auto network = EcapaNetwork::of(module, precision);
      for (const std::size_t frames : {17U, 384U, 385U, 1201U, 3000U}) {
        SCOPED_TRACE(std::to_string(frames) + " frames");
        const std::vector<float> features = features_of(frames);
        const simd::ConstRows rows{features.data(), frames, 80, 80};
        const Embedding alone = take(network->embed(rows, kUninterrupted));
        for (int again = 0; again < 3; ++again) {
          EXPECT_EQ(take(network->embed(rows, kUninterrupted, on_threads)), alone);
        }
        EXPECT_EQ(take(network->embed(rows, kUninterrupted)), alone);
      }
    }
  }
}

/// Features of so many frames each, no two alike.
std::vector<std::vector<float>> features_of_each(const std::vector<std::size_t>& frames) {
  std::vector<std::vector<float>> each;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    each.push_back(features_of(frames[i] + i));
    each.back().erase(each.back().begin(), each.back().begin() + static_cast<std::ptrdiff_t>(80 * i));
  }
  return each;
}

simd::ConstRows rows_of(const std::vector<float>& features) { return {features.data(), features.size() / 80, 80, 80}; }

TEST_F(EcapaTest, GivesTheSameBitsTogetherWithOthers) {
  for (const char* checkpoint : {"wespeaker-glob-c16.ckpt", "speechbrain-c16.ckpt", "timbre-c8.safetensors"}) {
    for (const bool int8 : {false, true}) {
      SCOPED_TRACE(std::string(checkpoint) + (int8 ? " in int8" : ""));
      const auto network = EcapaNetwork::of(module_of(checkpoint, int8 ? "int8" : "fp32"), Precision::bf16);
      ASSERT_GE(network->frames_together(), 384U);
      for (const std::vector<std::size_t>& frames :
           {std::vector<std::size_t>{100, 5, 17, 200}, {5, 5}, {16, 32, 33}, {300, 6, 384}}) {
        const auto each = features_of_each(frames);
        std::vector<EcapaNetwork::Utterance> utterances;
        for (const std::vector<float>& features : each) utterances.push_back({rows_of(features), &kUninterrupted});
        const auto together = network->embed_together(utterances);
        ASSERT_EQ(together.size(), each.size());
        for (std::size_t i = 0; i < each.size(); ++i) {
          EXPECT_EQ(take(together[i]), take(network->embed(rows_of(each[i]), kUninterrupted)))
              << frames[i] << " frames";
        }
      }
    }
  }
}

TEST_F(EcapaTest, TakesUtterancesOneByOneInFp32) {
  EXPECT_EQ(EcapaNetwork::of(module_of("speechbrain-c16.ckpt"), Precision::fp32)->frames_together(), 0U);
}

TEST_F(EcapaTest, OneThatStopsCostsTheOthersNothing) {
  const auto network = EcapaNetwork::of(module_of("speechbrain-c16.ckpt"), Precision::bf16);
  const auto each = features_of_each({40, 50, 60});
  Interrupt told;
  told.cancel();
  std::vector<EcapaNetwork::Utterance> utterances;
  for (const std::vector<float>& features : each) utterances.push_back({rows_of(features), &kUninterrupted});
  utterances[1].interrupt = &told;
  const auto together = network->embed_together(utterances);
  ASSERT_FALSE(together[1]);
  EXPECT_EQ(together[1].error().code, ErrorCode::ABORTED);
  for (const std::size_t i : {0U, 2U}) {
    EXPECT_EQ(take(together[i]), take(network->embed(rows_of(each[i]), kUninterrupted)));
  }
  for (EcapaNetwork::Utterance& one : utterances) one.interrupt = &told;
  for (const auto& stopped : network->embed_together(utterances)) {
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, ErrorCode::ABORTED);
  }
}

TEST_F(EcapaTest, StopsOnEveryThreadOnceItIsToldTo) {
  const auto network = EcapaNetwork::of(module_of("speechbrain-c16.ckpt"), Precision::fp32);
  const std::vector<float> features = features_of(3000);
  const simd::ConstRows rows{features.data(), 3000, 80, 80};
  Interrupt interrupt;
  std::atomic<std::size_t> parts = 0;
  const ForEach cancelling = [&](std::size_t count, const std::function<Status(std::size_t)>& body) {
    return on_threads(count, [&](std::size_t i) {
      if (++parts == 20) interrupt.cancel();
      return body(i);
    });
  };
  const auto stopped = network->embed(rows, interrupt, cancelling);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::ABORTED);
  // Those that are in a part, and one more of each thread, which stops before its first layer.
  EXPECT_LE(parts, 20U + 2 * 3);
}

TEST_F(EcapaTest, WhatAPartThrowsComesFromTheCall) {
  const auto network = EcapaNetwork::of(module_of("speechbrain-c16.ckpt"), Precision::fp32);
  const std::vector<float> features = features_of(1000);
  const ForEach broken = [](std::size_t, const std::function<Status(std::size_t)>&) -> Status {
    throw std::bad_alloc();
  };
  EXPECT_THROW(static_cast<void>(network->embed({features.data(), 1000, 80, 80}, kUninterrupted, broken)),
               std::bad_alloc);
}

TEST_F(EcapaTest, RefusesFeaturesOfAnotherWidth) {
  const auto network = EcapaNetwork::of(module_of("speechbrain-c16.ckpt"), Precision::fp32);
  const std::vector<float> features(30 * 81);
  const auto embed = [&](simd::ConstRows rows) { return network->embed(rows, kUninterrupted); };
  EXPECT_THROW(static_cast<void>(embed({features.data(), 30, 79, 81})), c10::Error);
  EXPECT_THROW(static_cast<void>(embed({features.data(), 30, 81, 81})), c10::Error);
}

TEST_F(EcapaTest, StopsBeforeTheNextTileWhateverTileItIsIn) {
  const auto network = EcapaNetwork::of(module_of("speechbrain-c16.ckpt"), Precision::fp32);
  constexpr std::size_t kFrames = 3000;
  std::vector<float> features(kFrames * 80);
  for (std::size_t i = 0; i < features.size(); ++i) {
    features[i] = static_cast<float>(std::sin(1e-3 * static_cast<double>(i)));
  }
  const simd::ConstRows rows{features.data(), kFrames, 80, 80};
  const test::StopsAfter counting;
  const Embedding whole = take(network->embed(rows, counting));
  // Every pass over the utterance goes by tiles of 384 frames at most: the first layer, three blocks of nine layers and
  // a sum, the layer that joins them, the attention and its scores.
  constexpr std::size_t kTiles = (kFrames + 383) / 384;
  EXPECT_GE(counting.asked(), kTiles * (1 + 3 * 10 + 1 + 2));
  for (std::size_t tile = 0; tile < counting.asked(); tile += 7) {
    const test::StopsAfter interrupt(tile);
    const auto stopped = network->embed(rows, interrupt);
    ASSERT_FALSE(stopped) << tile;
    EXPECT_EQ(stopped.error().code, ErrorCode::ABORTED);
    EXPECT_EQ(interrupt.asked(), tile + 1) << "nothing was done after it said to stop";
  }
  EXPECT_EQ(take(network->embed(rows, kUninterrupted)), whole) << "what the thread keeps is as good as new";
}

TEST_F(EcapaTest, TakesAsMuchMemoryForAnUtteranceAsItSays) {
  const Module module = module_of("speechbrain-c16.ckpt");
  const auto full = EcapaNetwork::of(module, Precision::fp32);
  const auto rounded = EcapaNetwork::of(module, Precision::bf16);
  // 16 channels: three blocks side by side (or what joins them), the attention; of a short one a block's channels too.
  EXPECT_GE(full->activation_bytes(1), sizeof(float) * 4 * 16);
  const std::uint64_t thousand = full->activation_bytes(2000) - full->activation_bytes(1000);
  EXPECT_EQ(full->activation_bytes(9000) - full->activation_bytes(8000), thousand);
  EXPECT_EQ(full->activation_bytes(1000), 2 * rounded->activation_bytes(1000));
}

// ------------------------------------------------------------------------------------------- what it refuses

TEST_F(EcapaTest, RefusesATensorOfAnotherShape) {
  for (const char* checkpoint : {"timbre-c8.safetensors", "wespeaker-glob-embbn-c8.safetensors"}) {
    const Module module = module_of(checkpoint);
    for (const auto& [path, value] : tensors_of(module)) {
      if (path == "pooling.score.bias") {
        continue;  // no softmax sees it
      }
      std::vector<at::Tensor> others = {at::zeros({0}), at::zeros({3, 2, 1}), value.unsqueeze(-1).narrow(-1, 0, 0)};
      for (std::int64_t dimension = 0; dimension < value.dim(); ++dimension) {
        others.push_back(grown(value, dimension));
        others.push_back(value.narrow(dimension, 0, value.size(dimension) - 1));
      }
      for (const at::Tensor& other : others) {
        put(module, path, other);
        EXPECT_THROW(EcapaNetwork::of(module, Precision::fp32), c10::Error)
            << checkpoint << ": " << path << " of " << other.sizes();
      }
      put(module, path, value);
      ASSERT_NO_THROW(EcapaNetwork::of(module, Precision::fp32)) << path;
    }
  }
}

TEST_F(EcapaTest, RefusesALayerThatItsNeighboursDoNotFit) {
  const Module module = module_of("speechbrain-c16.ckpt");
  const std::vector<std::vector<std::string>> layers = {{"frame."},
                                                        {"blocks.0.enter."},
                                                        {"blocks.1.res2net.chunks.0."},
                                                        {"blocks.2.res2net.chunks.6."},
                                                        {"blocks.2.leave."},
                                                        {"blocks.0.squeeze_excitation.reduce."},
                                                        {"blocks.0.squeeze_excitation.expand."},
                                                        {"aggregate.", "aggregate_norm."},
                                                        {"pooling.from_frame.", "pooling.norm."},
                                                        {"pooling.from_context."},
                                                        {"pooling.score."},
                                                        {"pooled_norm."}};
  for (const auto& layer : layers) {
    std::vector<Named> changed;
    for (const Named& tensor : tensors_of(module)) {
      if (std::ranges::any_of(layer, [&](const std::string& part) { return tensor.path.starts_with(part); })) {
        changed.push_back(tensor);
        put(module, tensor.path, grown(tensor.value, 0));
      }
    }
    ASSERT_FALSE(changed.empty()) << layer.front();
    EXPECT_THROW(EcapaNetwork::of(module, Precision::fp32), c10::Error) << layer.front();
    for (const auto& [path, value] : changed) {
      put(module, path, value);
    }
  }
  EXPECT_NE(EcapaNetwork::of(module, Precision::fp32), nullptr);
}

TEST_F(EcapaTest, IsNothingOfAnotherModule) {
  Module module("Other");
  module.define("def forward(self, features: Tensor, lengths: Tensor) -> Tensor:\n  return features\n");
  EXPECT_EQ(EcapaNetwork::of(module, Precision::fp32), nullptr);
  EXPECT_ANY_THROW(EcapaNetwork::of(Module("Ecapa"), Precision::fp32));
}

}  // namespace
}  // namespace timbre::network
