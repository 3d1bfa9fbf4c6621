#include "bundle/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/serialization/export.h>
#include <torch/csrc/jit/serialization/import.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "archive/zip_archive.h"
#include "bundle/synthetic.h"
#include "scratch.h"
#include "support/base64.h"
#include "torch_bundle/bundles.h"

namespace timbre::bundle {
namespace {

using nlohmann::json;
using ::testing::Each;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using namespace testing;

class VerifyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    take(checkpoint::convert_checkpoint(request(kCheckpoints + "wespeaker-glob-c16.ckpt", "", path_)));
  }

  /// Writes the bundle anew with a changed `verification`, which no fact may touch.
  void change(const std::function<void(json&)>& edit) {
    json manifest = json::parse(take(read_manifest(path_)).json);
    edit(manifest["verification"]);
    const torch::jit::Module module = torch::jit::load(path_);
    torch::jit::ExportModule(module, path_, {{"manifest.json", manifest.dump()}});
  }

  Scratch scratch_;
  std::string path_ = scratch_ / "x.pt";
};

TEST_F(VerifyTest, PassesABundleOnTheMachineThatMadeIt) {
  const VerifyReport report = take(verify_bundle(path_, "cpu", kShipped));
  EXPECT_TRUE(report.passed);
  EXPECT_EQ(report.device, "cpu");
  EXPECT_EQ(report.manifest.id, "test");
  EXPECT_THAT(report.cases, SizeIs(4));
  EXPECT_THAT(report.cases, Each(Field(&VerifyCase::passed, true)));
  for (const VerifyCase& one : report.cases) {
    EXPECT_LE(one.relative_error, report.max_relative_error) << one.name;
    EXPECT_LE(one.one_minus_cosine, report.max_one_minus_cosine) << one.name;
  }
}

TEST_F(VerifyTest, TakesThePrecisionOfTheWeightsUnlessAnotherIsAskedFor) {
  const VerifyReport full = take(verify_bundle(path_, "cpu", kShipped));
  EXPECT_EQ(full.precision, "fp32");
  EXPECT_GT(full.network_ms, 0);
  const VerifyReport rounded = take(verify_bundle(path_, "cpu", kShipped, "bf16"));
  EXPECT_EQ(rounded.precision, torch_runtime().bf16.empty() ? "fp32" : "bf16");
  EXPECT_TRUE(rounded.passed);
  EXPECT_EQ(rounded.max_relative_error > full.max_relative_error, rounded.precision == "bf16");
}

TEST_F(VerifyTest, FailsTheCaseWhoseVectorIsAnother) {
  change([](json& verification) {
    json& last = verification["cases"].back()["embedding"];
    auto bytes = *from_base64(last.get<std::string>());
    float value = 0;
    std::memcpy(&value, bytes.data(), sizeof(value));
    value += 1;
    std::memcpy(bytes.data(), &value, sizeof(value));
    last = to_base64(bytes);
  });
  const VerifyReport report = take(verify_bundle(path_, "cpu", kShipped));
  EXPECT_FALSE(report.passed);
  EXPECT_TRUE(report.cases.front().passed);
  EXPECT_FALSE(report.cases.back().passed);
  EXPECT_GT(report.cases.back().relative_error, report.max_relative_error);
}

TEST_F(VerifyTest, FailsAVectorOfZeros) {
  change([](json& verification) {
    verification["cases"][0]["embedding"] = to_base64(std::vector<std::byte>(32 * sizeof(float)));
  });
  EXPECT_FALSE(take(verify_bundle(path_, "cpu", kShipped)).passed);
}

TEST_F(VerifyTest, RefusesABundleWithoutUsableVectors) {
  const json good = json::parse(take(read_manifest(path_)).json).at("verification");
  const std::function<void(json&)> edits[] = {
      [](json& v) { v = nullptr; },
      [](json& v) { v["cases"] = json::array(); },
      [](json& v) { v["encoding"] = "text"; },
      [](json& v) { v["cases"][0]["embedding"] = "AAAA"; },
      [](json& v) { v["cases"][0]["embedding"] = "no base64!"; },
      [](json& v) { v["cases"][0]["seconds"] = 1e9; },
      [](json& v) { v["cases"][0]["signal"] = "birdsong"; },
  };
  for (const auto& edit : edits) {
    change([&](json& verification) {
      verification = good;
      edit(verification);
    });
    const auto report = verify_bundle(path_, "cpu", kShipped);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, ErrorCode::MODEL_INVALID) << report.error().message;
  }
}

TEST_F(VerifyTest, RefusesDamagedWeights) {
  std::string bytes = read_file(path_);
  const std::size_t at =
      take(take(archive::ZipArchive::open(take(archive::ByteSource::open(path_)))).locate("archive/data/50"));
  bytes[at + 3] = static_cast<char>(bytes[at + 3] ^ 0x40);
  write_file(path_, bytes);
  const auto report = verify_bundle(path_, "cpu", kShipped);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::MODEL_INVALID) << report.error().message;
}

TEST(Synthetic, IsAnOrdinaryRecording) {
  for (const char* signal : {"voice", "noise"}) {
    const auto samples = synthesise(signal, 1.5, 3, 16000);
    ASSERT_TRUE(samples);
    ASSERT_EQ(samples->size(), 24000U);
    float peak = 0;
    for (const float sample : *samples) {
      peak = std::max(peak, std::abs(sample));
    }
    EXPECT_GT(peak, 0.1F) << signal;
    EXPECT_LT(peak, 1.0F) << signal;
    EXPECT_EQ(samples, synthesise(signal, 1.5, 3, 16000));
    EXPECT_NE(samples, synthesise(signal, 1.5, 4, 16000));
  }
  EXPECT_FALSE(synthesise("birdsong", 1, 1, 16000));
}

TEST(Base64, IsRfc4648) {
  const auto encode = [](std::string_view text) { return to_base64(std::as_bytes(std::span(text))); };
  const std::pair<std::string_view, std::string_view> pairs[] = {{"", ""},
                                                                 {"f", "Zg=="},
                                                                 {"fo", "Zm8="},
                                                                 {"foo", "Zm9v"},
                                                                 {"foob", "Zm9vYg=="},
                                                                 {"fooba", "Zm9vYmE="},
                                                                 {"\xff\xfe", "//4="}};
  for (const auto& [plain, encoded] : pairs) {
    EXPECT_EQ(encode(plain), encoded);
    const auto decoded = from_base64(encoded);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(decoded->data()), decoded->size()), plain);
  }
  EXPECT_FALSE(from_base64("Zg="));
  EXPECT_FALSE(
      from_base64("Zg=="
                  "Zg=="));
  EXPECT_FALSE(from_base64("Z g="));
}

}  // namespace
}  // namespace timbre::bundle
