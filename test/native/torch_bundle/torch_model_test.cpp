#include "bundle/torch_model.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/export.h>
#include <torch/csrc/jit/serialization/import.h>

#include <functional>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <thread>

#include "bundle/torch_module.h"
#include "checkpoint_writer.h"
#include "scratch.h"
#include "torch_bundle/bundles.h"

namespace timbre::bundle {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using namespace testing;

Matrix features_of(std::size_t frames) {
  Matrix features(frames, 80);
  for (std::size_t i = 0; i < features.values.size(); ++i) {
    features.values[i] = static_cast<float>(3 * std::sin(0.7 * static_cast<double>(i % 1013)));
  }
  return features;
}

/// Of code that is not ours, which gives the third frame.
constexpr const char* kThirdFrame =
    "def forward(self, features: Tensor, lengths: Tensor) -> Tensor:\n  return features[:, 2, :32]\n";

class TorchModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    take(checkpoint::convert_checkpoint(request(kCheckpoints + "speechbrain-c16.ckpt", "speechbrain", path_)));
  }

  Error refusal(const std::string& path, const std::string& device = "cpu", const CodeTrust& trust = kShipped) {
    const auto model = load_torch_model(path, device, trust);
    return model ? Error{ErrorCode::INTERNAL, "it was loaded"} : model.error();
  }

  /// The bundle's module, or another one, with a changed manifest whose digest fits.
  std::string with(const std::function<void(json&)>& edit, const char* code = nullptr) {
    json manifest = json::parse(take(read_manifest(path_)).json);
    torch::jit::Module module = torch::jit::load(path_);
    if (code != nullptr) {
      module = torch::jit::Module("Other");
      module.define(code);
      manifest["weightsDigest"]["value"] = weights_digest(module);
    }
    edit(manifest);
    return write(module, manifest);
  }

  /// The bundle with a changed module, whose digest fits.
  std::string with_module(const std::function<void(torch::jit::Module&)>& change) {
    json manifest = json::parse(take(read_manifest(path_)).json);
    torch::jit::Module module = torch::jit::load(path_);
    change(module);
    manifest["weightsDigest"]["value"] = weights_digest(module);
    return write(module, manifest);
  }

  std::string write(const torch::jit::Module& module, json manifest) {
    manifest.erase("identity");  // it is computed anew
    const std::string path = scratch_ / "changed.pt";
    torch::jit::ExportModule(module, path, {{"manifest.json", manifest.dump()}});
    return path;
  }

  Scratch scratch_;
  std::string path_ = scratch_ / "x.pt";
};

TEST_F(TorchModelTest, LoadsABundle) {
  const auto model = take(load_torch_model(path_, "cpu", kShipped));
  EXPECT_EQ(model->device(), "cpu");
  EXPECT_EQ(model->device_note(), "");
  EXPECT_FALSE(model->batches());
  EXPECT_EQ(embed(*model, {features_of(30)})[0].size(), 32U);
  EXPECT_TRUE(take(model->embed({})).empty());
}

TEST_F(TorchModelTest, GivesTheSameToManyThreads) {
  const auto model = take(load_torch_model(path_, "cpu", kShipped));
  const bundle::Embedding alone = embed(*model, {features_of(120)})[0];
  std::vector<std::vector<bundle::Embedding>> found(4);
  std::vector<std::thread> threads;
  for (auto& embeddings : found) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        embeddings.push_back(embed(*model, {features_of(120)})[0]);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (const auto& embeddings : found) {
    EXPECT_THAT(embeddings, ::testing::Each(alone));
  }
}

TEST_F(TorchModelTest, FallsBackToTheProcessorAndSaysWhy) {
  if (torch_runtime().cuda_devices > 0) {
    GTEST_SKIP() << "there is a CUDA device";
  }
  const auto model = take(load_torch_model(path_, "auto", kShipped));
  EXPECT_EQ(model->device(), "cpu");
  EXPECT_THAT(model->device_note(), HasSubstr("CUDA"));
  for (const char* device : {"cuda", "cuda:0", "cuda:7"}) {
    EXPECT_EQ(refusal(path_, device).code, ErrorCode::DEVICE_UNAVAILABLE) << device;
  }
}

TEST_F(TorchModelTest, RefusesDevicesThatAreNone) {
  for (const char* device : {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "CPU"}) {
    EXPECT_EQ(refusal(path_, device).code, ErrorCode::INVALID_ARGUMENT) << device;
  }
}

TEST_F(TorchModelTest, MultipliesInWhatIsAskedFor) {
  const auto full = take(load_torch_model(path_, "cpu", kShipped, "fp32"));
  EXPECT_EQ(full->precision(), "fp32");
  const Embedding expected = embed(*full, {features_of(400)})[0];
  const auto rounded = take(load_torch_model(path_, "cpu", kShipped, "bf16"));
  const Embedding found = embed(*rounded, {features_of(400)})[0];
  if (torch_runtime().bf16.empty()) {
    EXPECT_EQ(rounded->precision(), "fp32");
    EXPECT_THAT(rounded->device_note(), HasSubstr("bf16"));
    EXPECT_EQ(found, expected);
  } else {
    EXPECT_EQ(rounded->precision(), "bf16");
    EXPECT_EQ(rounded->device_note(), "");
    EXPECT_NE(found, expected);
    EXPECT_LE(relative_error(found, expected), 0.03);
    EXPECT_LT(rounded->activation_bytes(1000), full->activation_bytes(1000));
  }
  const auto chosen = take(load_torch_model(path_, "cpu", kShipped, "auto"));
  EXPECT_EQ(chosen->precision(), torch_runtime().bf16.empty() ? "fp32" : "bf16");
}

TEST_F(TorchModelTest, RefusesPrecisionsThatAreNone) {
  for (const char* precision : {"fp16", "BF16", "int4", " fp32"}) {
    const auto model = load_torch_model(path_, "cpu", kShipped, precision);
    ASSERT_FALSE(model) << precision;
    EXPECT_EQ(model.error().code, ErrorCode::INVALID_ARGUMENT) << precision;
  }
}

TEST_F(TorchModelTest, KeepsWeightsToTheirPrecision) {
  const auto wanted = load_torch_model(path_, "cpu", kShipped, "int8");
  ASSERT_FALSE(wanted);
  EXPECT_EQ(wanted.error().code, ErrorCode::INVALID_ARGUMENT);
  EXPECT_THAT(wanted.error().message, HasSubstr("--precision int8"));
}

TEST_F(TorchModelTest, ComputesCodeOfOthersInFp32) {
  const std::string path = with([](json&) {}, kThirdFrame);
  const auto model = take(load_torch_model(path, "cpu", kAny, "bf16"));
  EXPECT_EQ(model->precision(), "fp32");
  EXPECT_THAT(model->device_note(), HasSubstr("bf16"));
  EXPECT_EQ(take(load_torch_model(path, "cpu", kAny, "auto"))->device_note(), "");
}

TEST_F(TorchModelTest, RefusesFeaturesThatDoNotFit) {
  const auto model = take(load_torch_model(path_, "cpu", kShipped));
  const Matrix good = features_of(30);
  const Matrix few = features_of(model->manifest().shortest_frames - 1);
  const Matrix narrow(30, 40);
  for (const Matrix* matrix : std::initializer_list<const Matrix*>{&few, &narrow}) {
    const Utterance batch[] = {{&good}, {matrix}};
    const auto embeddings = model->embed(batch);
    ASSERT_FALSE(embeddings);
    EXPECT_EQ(embeddings.error().code, ErrorCode::INFERENCE_FAILED) << embeddings.error().message;
  }
  EXPECT_EQ(embed(*model, {good})[0].size(), 32U);
}

TEST_F(TorchModelTest, OneUtteranceThatIsNoNumbersCostsTheOthersNothing) {
  const Matrix good = features_of(30);
  Matrix bad = features_of(30);
  for (float& value : bad.values) {
    value = std::numeric_limits<float>::quiet_NaN();
  }
  for (const std::string& path : {path_, with([](json&) {}, kThirdFrame)}) {
    const auto model = take(load_torch_model(path, "cpu", kAny));
    const Utterance batch[] = {{&good}, {&bad}, {&good}};
    const auto embeddings = take(model->embed(batch));
    ASSERT_EQ(embeddings.size(), 3U);
    ASSERT_FALSE(embeddings[1]);
    EXPECT_EQ(embeddings[1].error().code, ErrorCode::INFERENCE_FAILED);
    const Embedding alone = embed(*model, {good})[0];
    ASSERT_TRUE(embeddings[0] && embeddings[2]);
    EXPECT_EQ(embeddings[0].value(), alone);
    EXPECT_EQ(embeddings[2].value(), alone);
  }
}

TEST_F(TorchModelTest, AnUtteranceThatIsToldToStopCostsTheOthersNothing) {
  const auto model = take(load_torch_model(path_, "cpu", kShipped));
  const Matrix features = features_of(30);
  Interrupt interrupt;
  interrupt.cancel(ErrorCode::ENGINE_CLOSED);
  const Utterance batch[] = {{&features, &interrupt}, {&features}};
  const auto embeddings = take(model->embed(batch));
  ASSERT_FALSE(embeddings[0]);
  EXPECT_EQ(embeddings[0].error().code, ErrorCode::ENGINE_CLOSED);
  EXPECT_TRUE(embeddings[1]);
}

TEST_F(TorchModelTest, KnowsTheMemoryThatAnUtteranceTakes) {
  const auto ours = take(load_torch_model(path_, "cpu", kShipped));
  EXPECT_GT(ours->activation_bytes(2000), ours->activation_bytes(1000));
  // What other code takes is measured: this one copies the frames and adds one to each.
  const auto other = take(load_torch_model(
      with([](json&) {},
           "def forward(self, features: Tensor, lengths: Tensor) -> Tensor:\n  return (features + 1)[:, 2, :32]\n"),
      "cpu", kAny));
  EXPECT_NEAR(static_cast<double>(other->activation_bytes(10'000)), 10'000 * 80 * sizeof(float), 10'000);
}

TEST_F(TorchModelTest, LeavesTheThreadsOfOthersAsTheyWere) {
  // LibTorch counts for each thread: one that has run no model says how it was.
  int before = 0;
  std::thread([&] { before = at::get_num_threads(); }).join();
  std::thread([&] {
    const auto model = take(load_torch_model(path_, "cpu", kShipped));
    embed(*model, {features_of(30)});
    EXPECT_EQ(at::get_num_threads(), 1);
  }).join();
  std::thread([&] { EXPECT_EQ(at::get_num_threads(), before); }).join();
}

TEST_F(TorchModelTest, RefusesFilesThatAreNoBundles) {
  EXPECT_EQ(refusal(scratch_ / "nothing.pt").code, ErrorCode::MODEL_NOT_FOUND);
  EXPECT_EQ(refusal(scratch_.folder().string()).code, ErrorCode::MODEL_INVALID);
  write_file(scratch_ / "text.pt", "hello");
  EXPECT_EQ(refusal(scratch_ / "text.pt").code, ErrorCode::MODEL_INVALID);
  EXPECT_THAT(refusal(kCheckpoints + "speechbrain-c16.ckpt").message, HasSubstr("timbre models add"));
  EXPECT_THAT(refusal(kSkeletons + "/speechbrain.pt").message, HasSubstr("without a manifest"));
  write_file(scratch_ / "cut.pt", read_file(path_).substr(0, 60000));
  EXPECT_EQ(refusal(scratch_ / "cut.pt").code, ErrorCode::MODEL_INVALID);
}

TEST_F(TorchModelTest, RefusesCodeThatWouldUnpackToTooMuch) {
  ZipWriter zip;
  zip.add("archive/code/__torch__.py", std::string(1000, 'x'), {.method = 8, .size = 0x7fffffff});
  zip.add("archive/data.pkl", "");
  zip.add("archive/extra/manifest.json", "{}");
  write_file(scratch_ / "bomb.pt", zip.finish());
  const Error error = refusal(scratch_ / "bomb.pt");
  EXPECT_EQ(error.code, ErrorCode::MODEL_INVALID);
  EXPECT_THAT(error.message, HasSubstr("would unpack to 2147483647 bytes"));
}

TEST_F(TorchModelTest, RefusesAModuleThatIsNotWhatItsManifestSays) {
  const auto same = [](json&) {};
  EXPECT_THAT(refusal(with([](json& m) { m["weightsDigest"]["value"] = std::string(32, '0'); })).message,
              HasSubstr("weights are damaged"));
  EXPECT_THAT(refusal(with([](json& m) { m["embedding"]["dim"] = 31; })).message, HasSubstr("32 values"));
  EXPECT_THAT(refusal(with([](json& m) { m["frontEnd"]["melBins"] = 40; })).message, HasSubstr("cannot be used"));
  const char* const codes[] = {
      "def backward(self, features: Tensor, lengths: Tensor) -> Tensor:\n  return features\n",
      "def forward(self, features: Tensor) -> Tensor:\n  return features\n",
      "def forward(self, features: Tensor, lengths: Tensor) -> int:\n  return 3\n",
      "def forward(self, features: Tensor, lengths: Tensor) -> Tensor:\n  return torch.matmul(features, lengths)\n",
      "def forward(self, features: Tensor, lengths: Tensor) -> Tensor:\n  return features[0, 0]\n",
      "def forward(self, features: Tensor, lengths: Tensor) -> Tensor:\n  return features[:, 0, :32] / 0\n",
  };
  for (const char* code : codes) {
    const Error error = refusal(with(same, code), "cpu", kAny);
    EXPECT_EQ(error.code, ErrorCode::MODEL_INVALID) << code << error.message;
    EXPECT_THAT(error.message, HasSubstr("changed.pt"));
    EXPECT_EQ(error.message.find('\n'), std::string::npos) << error.message;
  }
}

TEST_F(TorchModelTest, RefusesTensorsThatDoNotFitTogether) {
  using torch::jit::Module;
  const std::function<void(Module&)> changes[] = {
      [](Module& module) {
        Module layer = module.attr("pooling").toModule().attr("from_frame").toModule();
        layer.setattr("weight", at::ones({7, 48}));
      },
      [](Module& module) { module.attr("embed").toModule().setattr("bias", at::ones({0})); },
      [](Module& module) {
        module.attr("frame").toModule().attr("linear").toModule().setattr("weight", at::ones({16}));
      },
      // Nothing but the module's own code reads it.
      [](Module& module) { module.attr("pooling").toModule().attr("score").toModule().setattr("bias", at::ones({7})); },
  };
  for (const auto& change : changes) {
    const Error error = refusal(with_module(change));
    EXPECT_EQ(error.code, ErrorCode::MODEL_INVALID) << error.message;
    EXPECT_THAT(error.message, HasSubstr("changed.pt"));
    EXPECT_EQ(error.message.find('\n'), std::string::npos) << error.message;
  }
}

/// Gives the module other code under its own name.
void redefine_forward(torch::jit::Module& module, const std::string& result) {
  const auto type = module.type();
  type->unsafeRemoveMethod("forward");
  module._ivalue()->compilation_unit()->unsafeRemoveMethod(c10::QualifiedName(*type->name(), "forward"));
  module.define("def forward(self, features: Tensor, lengths: Tensor) -> Tensor:\n  return " + result + "\n");
}

TEST_F(TorchModelTest, RefusesOtherCodeUnderTheNameOfOurs) {
  for (const char* code : {"features[:, 0, :32]", "features[:, 0, :32] / 0", "features[:, 0, :32] * 0"}) {
    const auto path = with_module([&](torch::jit::Module& module) { redefine_forward(module, code); });
    const Error error = refusal(path, "cpu", kAny);
    EXPECT_EQ(error.code, ErrorCode::MODEL_INVALID) << code;
    EXPECT_THAT(error.message, HasSubstr("its code and its constants differ")) << code;
  }
}

TEST_F(TorchModelTest, RunsOtherCodeThatIsAllowed) {
  const auto model = take(load_torch_model(with([](json&) {}, kThirdFrame), "cpu", kAny));
  const Matrix features = features_of(30);
  const auto row = features.row(2);
  EXPECT_EQ(embed(*model, {features})[0], bundle::Embedding(row.begin(), row.begin() + 32));
}

TEST_F(TorchModelTest, RefusesCodeThatNoSkeletonHas) {
  const std::string paths[] = {
      with([](json&) {}, kThirdFrame),
      with_module([](torch::jit::Module& module) { redefine_forward(module, "features[:, 0, :32]"); }),
      with_module([](torch::jit::Module& module) {
        module.define("def __setstate__(self, state: Tensor) -> None:\n  return None\n");
      }),
  };
  for (const std::string& path : paths) {
    const Error error = refusal(path);
    EXPECT_EQ(error.code, ErrorCode::MODEL_UNTRUSTED) << error.message;
    EXPECT_THAT(error.message, HasSubstr("timbre models add"));
  }
}

/// A bundle in whose archive a member has another name of the same length.
std::string renamed(std::string bytes, const std::string& from, const std::string& to) {
  EXPECT_EQ(from.size(), to.size());
  int found = 0;
  for (std::size_t at = bytes.find('/' + from); at != bytes.npos; at = bytes.find('/' + from, at)) {
    bytes.replace(at + 1, to.size(), to);
    ++found;
  }
  EXPECT_EQ(found, 2);  // beside its bytes and in the directory
  return bytes;
}

TEST_F(TorchModelTest, RefusesCodeBesideThatOfItsSkeleton) {
  const std::string whole = read_file(path_);
  const std::string changed[] = {
      renamed(whole, "byteorder", "code/x.py"),
      renamed(whole, "byteorder", "libs/x.so"),
      renamed(whole, ".data/serialization_id", "constants/000000000001"),
  };
  for (const std::string& bytes : changed) {
    write_file(path_, bytes);
    const Error error = refusal(path_);
    EXPECT_EQ(error.code, ErrorCode::MODEL_UNTRUSTED) << error.message;
  }
  std::string marked = whole;
  marked.replace(4, 4, "PTMF");  // LibTorch would take the file for one of another format
  write_file(path_, marked);
  EXPECT_NE(refusal(path_).message, "it was loaded");
}

TEST_F(TorchModelTest, RefusesEveryCodeWithoutSkeletons) {
  const auto model = load_torch_model(path_, "cpu", {scratch_.folder().string() + "/nothing"});
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::MODEL_UNTRUSTED);
}

TEST_F(TorchModelTest, RefusesFeaturesThatAreNoNumbersInInt8Too) {
  auto wanted = request(kCheckpoints + "speechbrain-c16.ckpt", "speechbrain", path_);
  wanted.precision = "int8";
  take(checkpoint::convert_checkpoint(wanted));
  const auto model = take(load_torch_model(path_, "cpu", kShipped));
  Matrix bad = features_of(30);
  bad.values[77] = std::numeric_limits<float>::quiet_NaN();
  const Matrix good = features_of(30);
  const Utterance batch[] = {{&bad}, {&good}};
  const auto embeddings = take(model->embed(batch));
  ASSERT_FALSE(embeddings[0]);
  EXPECT_EQ(embeddings[0].error().code, ErrorCode::INFERENCE_FAILED) << embeddings[0].error().message;
  EXPECT_TRUE(embeddings[1]);
}

TEST(TorchRuntimeTest, SaysWhatItIs) {
  const TorchRuntime runtime = torch_runtime();
  EXPECT_THAT(runtime.version, HasSubstr("."));
  EXPECT_FALSE(runtime.cpu_capability.empty());
  EXPECT_TRUE(runtime.cuda_built || runtime.cuda_devices == 0);
}

}  // namespace
}  // namespace timbre::bundle
