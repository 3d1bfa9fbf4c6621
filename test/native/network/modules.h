#pragma once

#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "network/torch_settings.h"
#include "scratch.h"
#include "support/result.h"
#include "torch_bundle/bundles.h"

/// Modules of committed checkpoints, and what networks of them are asked for.
namespace timbre::network::testing {

using namespace timbre::testing;
using torch::jit::Module;

class ModuleTest : public ::testing::Test {
 protected:
  Module module_of(const std::string& checkpoint, const std::string& precision = "fp32") {
    const auto rows = nlohmann::json::parse(read_file(kCheckpoints + "embeddings.json")).at("embeddings");
    auto wanted = request(kCheckpoints + checkpoint, rows.at(checkpoint).at("family"), scratch_ / "x.pt");
    wanted.precision = precision;
    take(checkpoint::convert_checkpoint(wanted));
    Module module = torch::jit::load(scratch_ / "x.pt");
    module.eval();
    return module;
  }

 private:
  Scratch scratch_;
  TorchScope scope_;
};

/// Parts on several threads at once, the last ones first.
inline Status on_threads(std::size_t count, const std::function<Status(std::size_t)>& body) {
  constexpr std::size_t kThreads = 3;
  std::atomic<std::size_t> taken = 0;
  std::vector<Status> outcomes(kThreads, ok());
  std::vector<std::thread> threads;
  for (Status& outcome : outcomes) {
    threads.emplace_back([&] {
      for (std::size_t i = taken++; i < count && outcome; i = taken++) outcome = body(count - 1 - i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto failed = std::ranges::find_if(outcomes, [](const Status& outcome) { return !outcome; });
  return failed == outcomes.end() ? ok() : *failed;
}

/// Features by formula.
inline std::vector<float> features_of(std::size_t frames) {
  std::vector<float> features(frames * 80);
  for (std::size_t i = 0; i < features.size(); ++i) {
    const auto at = static_cast<double>(i);
    features[i] = static_cast<float>(4 * std::sin(1e-3 * at * std::sqrt(at)));
  }
  return features;
}

/// Puts another tensor in the place of this one.
inline void put(const Module& module, const std::string& path, const at::Tensor& value) {
  const std::size_t dot = path.find('.');
  if (dot == path.npos) {
    Module(module).setattr(path, value);
  } else {
    put(module.attr(path.substr(0, dot)).toModule(), path.substr(dot + 1), value);
  }
}

struct Named {
  std::string path;
  at::Tensor value;
};

inline std::vector<Named> tensors_of(const Module& module) {
  std::vector<Named> tensors;
  for (const auto& [path, value] : module.named_parameters()) {
    tensors.push_back({path, value});
  }
  for (const auto& [path, value] : module.named_buffers()) {
    tensors.push_back({path, value});
  }
  return tensors;
}

/// One more along a dimension.
inline at::Tensor grown(const at::Tensor& tensor, std::int64_t dimension) {
  return at::cat({tensor, tensor.narrow(dimension, 0, 1)}, dimension);
}

}  // namespace timbre::network::testing
