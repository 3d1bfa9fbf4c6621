#include "network/campplus.h"

#include <ATen/Functions.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <atomic>
#include <new>
#include <string>
#include <vector>

#include "network/modules.h"
#include "stops_after.h"

namespace timbre::network {
namespace {

using torch::jit::Module;
using namespace testing;

class CampplusTest : public ModuleTest {
 protected:
  Module module() { return module_of("campplus-w2.safetensors"); }
};

simd::ConstRows rows_of(const std::vector<float>& features) { return {features.data(), features.size() / 80, 80, 80}; }

TEST_F(CampplusTest, ComputesWhatTheModuleComputes) {
  Module campplus = module();
  const auto network = CampplusNetwork::of(campplus);
  ASSERT_NE(network, nullptr);
  // Down and up: a thread keeps what is left of the utterance before. Parts of the head end at 384 and 768 frames,
  // contexts at 200, 400, ...
  for (const std::size_t frames :
       {1201U, 3U, 4U, 5U, 6U, 7U, 8U, 9U, 148U, 199U, 200U, 201U, 298U, 384U, 385U, 386U, 769U, 1201U}) {
    SCOPED_TRACE(std::to_string(frames) + " frames");
    std::vector<float> features = features_of(frames);
    const auto count = static_cast<std::int64_t>(frames);
    const at::Tensor batch = at::from_blob(features.data(), {1, count, 80}, at::kFloat);
    const at::Tensor expected = campplus.forward({batch, at::full({1}, count, at::kLong)}).toTensor().contiguous();
    const auto* values = expected.const_data_ptr<float>();
    const Embedding found = take(network->embed(rows_of(features), kUninterrupted));
    EXPECT_LE(relative_error(found, {values, values + expected.numel()}), 1e-4);
  }
}

TEST_F(CampplusTest, IsTheSameBitForBitOnSeveralThreadsAndInOneCall) {
  const auto network = CampplusNetwork::of(module());
  std::vector<std::vector<float>> each;
  std::vector<Network::Utterance> utterances;
  for (const std::size_t frames : {17U, 384U, 385U, 1201U, 3000U}) each.push_back(features_of(frames));
  for (const std::vector<float>& features : each) utterances.push_back({rows_of(features), &kUninterrupted});
  const auto together = network->embed_together(utterances);
  for (std::size_t i = 0; i < each.size(); ++i) {
    SCOPED_TRACE(each[i].size() / 80);
    const Embedding alone = take(network->embed(rows_of(each[i]), kUninterrupted));
    EXPECT_EQ(take(together[i]), alone);
    for (int again = 0; again < 3; ++again) {
      EXPECT_EQ(take(network->embed(rows_of(each[i]), kUninterrupted, on_threads)), alone);
    }
  }
}

TEST_F(CampplusTest, StopsBeforeTheNextLayerWhateverItIsIn) {
  const auto network = CampplusNetwork::of(module());
  const std::vector<float> features = features_of(3000);
  const test::StopsAfter counting;
  const Embedding whole = take(network->embed(rows_of(features), counting));
  // Ten layers of the head for each of eight parts, and two passes of each of 52 dense layers for each of 16.
  EXPECT_GE(counting.asked(), 8U * 10 + 16U * 2 * 52);
  for (std::size_t layer = 0; layer < counting.asked(); layer += 61) {
    const test::StopsAfter interrupt(layer);
    const auto stopped = network->embed(rows_of(features), interrupt);
    ASSERT_FALSE(stopped) << layer;
    EXPECT_EQ(stopped.error().code, ErrorCode::ABORTED);
    EXPECT_EQ(interrupt.asked(), layer + 1) << "nothing was done after it said to stop";
  }
  EXPECT_EQ(take(network->embed(rows_of(features), kUninterrupted)), whole)
      << "what the thread keeps is as good as new";
}

TEST_F(CampplusTest, StopsOnEveryThreadOnceItIsToldTo) {
  const auto network = CampplusNetwork::of(module());
  const std::vector<float> features = features_of(3000);
  Interrupt interrupt;
  std::atomic<std::size_t> parts = 0;
  const ForEach cancelling = [&](std::size_t count, const std::function<Status(std::size_t)>& body) {
    return on_threads(count, [&](std::size_t i) {
      if (++parts == 20) interrupt.cancel();
      return body(i);
    });
  };
  const auto stopped = network->embed(rows_of(features), interrupt, cancelling);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::ABORTED);
  EXPECT_LE(parts, 20U + 2 * 3);
}

TEST_F(CampplusTest, WhatAPartThrowsComesFromTheCall) {
  const auto network = CampplusNetwork::of(module());
  const std::vector<float> features = features_of(1000);
  const ForEach broken = [](std::size_t, const std::function<Status(std::size_t)>&) -> Status {
    throw std::bad_alloc();
  };
  EXPECT_THROW(static_cast<void>(network->embed(rows_of(features), kUninterrupted, broken)), std::bad_alloc);
}

TEST_F(CampplusTest, TakesAsMuchMemoryForAnUtteranceAsItSays) {
  const auto network = CampplusNetwork::of(module());
  // From the length of a part of the head on it grows with the body alone: 2 x 64 channels and a bottleneck of 8.
  const std::uint64_t thousand = network->activation_bytes(2000) - network->activation_bytes(1000);
  EXPECT_GE(thousand, sizeof(float) * (2 * 64 + 8) * 496U);
  EXPECT_LE(thousand, sizeof(float) * (2 * 64 + 8) * 512U);
  EXPECT_GT(network->activation_bytes(300), network->activation_bytes(100));
}

TEST_F(CampplusTest, IsNoNetworkOfOtherCode) {
  EXPECT_EQ(CampplusNetwork::of(module_of("speechbrain-c16.ckpt")), nullptr);
}

TEST_F(CampplusTest, RefusesFeaturesOfAnotherWidth) {
  const auto network = CampplusNetwork::of(module());
  const std::vector<float> features(30 * 81);
  for (const std::size_t width : {79U, 81U}) {
    EXPECT_THROW(static_cast<void>(network->embed({features.data(), 30, width, 81}, kUninterrupted)), c10::Error);
  }
}

TEST_F(CampplusTest, RefusesATensorOfAnotherShape) {
  const Module campplus = module();
  for (const auto& [path, value] : tensors_of(campplus)) {
    std::vector<at::Tensor> others = {at::zeros({0}), at::zeros({3, 2, 1}), value.unsqueeze(-1).narrow(-1, 0, 0)};
    for (std::int64_t dimension = 0; dimension < value.dim(); ++dimension) {
      others.push_back(grown(value, dimension));
      others.push_back(value.narrow(dimension, 0, value.size(dimension) - 1));
    }
    for (const at::Tensor& other : others) {
      put(campplus, path, other);
      EXPECT_THROW(CampplusNetwork::of(campplus), c10::Error) << path << " of " << other.sizes();
    }
    put(campplus, path, value);
  }
  EXPECT_NO_THROW(CampplusNetwork::of(campplus));
}

}  // namespace
}  // namespace timbre::network
