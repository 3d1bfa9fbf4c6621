#include "checkpoint/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "archive/zip_archive.h"
#include "bundle/update_manifest.h"
#include "bundle/verify.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint_writer.h"
#include "scratch.h"
#include "torch_bundle/bundles.h"

namespace timbre::checkpoint {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace testing;

std::vector<std::string> files_in(const Scratch& scratch) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(scratch.folder())) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

/// The tensors of a fixture, to be changed and written again.
std::vector<NamedTensor> tensors_of(const std::string& checkpoint) {
  const Checkpoint file = take(Checkpoint::open(kCheckpoints + checkpoint));
  std::vector<NamedTensor> tensors;
  for (const CheckpointTensor& tensor : file.tensors()) {
    if (archive::is_floating(tensor.type)) {
      tensors.push_back({tensor.name, tensor.shape, take(file.read(tensor))});
    }
  }
  return tensors;
}

NamedTensor& find(std::vector<NamedTensor>& tensors, const std::string& name) {
  const auto found = std::ranges::find(tensors, name, &NamedTensor::name);
  if (found == tensors.end()) {
    throw std::runtime_error("no tensor " + name);
  }
  return *found;
}

class ConvertTest : public ::testing::Test {
 protected:
  /// What becomes of a checkpoint with these bytes; nothing may be left where that is an error.
  Result<bundle::Manifest> convert(const std::string& bytes, const std::string& family = "speechbrain") {
    write_file(scratch_ / "changed.ckpt", bytes);
    auto manifest = convert_checkpoint(request(scratch_ / "changed.ckpt", family, scratch_ / "changed.pt"));
    if (!manifest) {
      EXPECT_THAT(files_in(scratch_), ::testing::ElementsAre("changed.ckpt"));
    }
    return manifest;
  }

  Error refusal(const std::string& bytes, const std::string& family = "speechbrain") {
    const auto manifest = convert(bytes, family);
    return manifest ? Error{ErrorCode::INTERNAL, "it was converted"} : manifest.error();
  }

  Error refusal_after(const std::function<void(std::vector<NamedTensor>&)>& change,
                      const std::string& family = "speechbrain") {
    std::vector<NamedTensor> tensors = tensors_of("speechbrain-c16.ckpt");
    change(tensors);
    return refusal(write_checkpoint(tensors), family);
  }

  std::string bundle() {
    const std::string path = scratch_ / "bundle.pt";
    take(convert_checkpoint(request(kCheckpoints + "speechbrain-c16.ckpt", "speechbrain", path)));
    return path;
  }

  Scratch scratch_;
};

TEST_F(ConvertTest, GivesTheEmbeddingsOfTheReferenceConversion) {
  const json expected = json::parse(read_file(kCheckpoints + "embeddings.json"));
  ASSERT_GE(expected.at("embeddings").size(), 9U);
  for (const auto& [file, row] : expected.at("embeddings").items()) {
    SCOPED_TRACE(file);
    const std::size_t frames = row.at("frames");
    Matrix features(frames, 80);
    for (std::size_t t = 0; t < frames; ++t) {
      for (std::size_t c = 0; c < 80; ++c) {
        features.row(t)[c] =
            static_cast<float>(3 * std::sin(0.1 * static_cast<double>(t) + 0.37 * static_cast<double>(c)));
      }
    }
    const std::string path = scratch_ / (file + ".pt");
    const bundle::Manifest manifest = take(convert_checkpoint(request(kCheckpoints + file, row.at("family"), path)));
    EXPECT_EQ(json::parse(manifest.json).at("variant"), row.at("variant"));
    const auto model = take(bundle::load_torch_model(path, "cpu", kShipped));
    EXPECT_EQ(model->manifest().json, manifest.json);
    const std::vector<float> embedding = row.at("embedding");
    EXPECT_LT(relative_error(embed(*model, {features})[0], embedding), 1e-5);
    EXPECT_TRUE(take(bundle::verify_bundle(path, "cpu", kShipped)).passed);
  }
}

TEST_F(ConvertTest, WritesWhatIsKnownIntoTheManifest) {
  auto wanted = request(kCheckpoints + "speechbrain-c16.ckpt", "speechbrain", scratch_ / "x.pt");
  wanted.id = "voices";
  wanted.version = "3";
  wanted.facts = R"({"licence": "Apache-2.0", "source": {"url": "https://example.org/x", "sha256": "00ff"}})";
  const json manifest = json::parse(take(convert_checkpoint(wanted)).json);
  EXPECT_EQ(manifest.at("id"), "voices");
  EXPECT_EQ(manifest.at("version"), "3");
  EXPECT_EQ(manifest.at("family"), "speechbrain");
  EXPECT_EQ(manifest.at("licence"), "Apache-2.0");
  EXPECT_EQ(manifest.at("source"), json({{"file", "speechbrain-c16.ckpt"},
                                         {"bytes", std::filesystem::file_size(kCheckpoints + "speechbrain-c16.ckpt")},
                                         {"url", "https://example.org/x"},
                                         {"sha256", "00ff"}}));
  EXPECT_EQ(manifest.at("embedding").at("dim"), 32);
  EXPECT_EQ(manifest.at("network").at("channels"), 16);
  EXPECT_EQ(manifest.at("network").at("pooledChannels"), 24);
  EXPECT_EQ(manifest.at("network").at("squeezeChannels"), 8);
  EXPECT_EQ(manifest.at("frontEnd").at("type"), "speechbrain");
  EXPECT_EQ(take(bundle::read_manifest(scratch_ / "x.pt")).id, "voices");
}

TEST_F(ConvertTest, RecognisesTheFamilyByItsNames) {
  const auto manifest =
      take(convert_checkpoint(request(kCheckpoints + "wespeaker-glob-c16.ckpt", "", scratch_ / "x.pt")));
  EXPECT_EQ(manifest.family, "wespeaker");
  EXPECT_EQ(manifest.front_end.type, "kaldi");
}

TEST_F(ConvertTest, AsksWhichFamilyWhereOnlyTheFrontEndsDiffer) {
  const auto manifest = convert_checkpoint(request(kCheckpoints + "speechbrain-c16.ckpt", "", scratch_ / "x.pt"));
  ASSERT_FALSE(manifest);
  EXPECT_EQ(manifest.error().code, ErrorCode::INVALID_ARGUMENT);
  EXPECT_THAT(manifest.error().message, AllOf(HasSubstr("3dspeaker"), HasSubstr("speechbrain"), HasSubstr("--family")));
  const auto other =
      take(convert_checkpoint(request(kCheckpoints + "speechbrain-c16.ckpt", "3dspeaker", scratch_ / "x.pt")));
  EXPECT_EQ(other.front_end.window, "povey");
}

TEST_F(ConvertTest, MakesTwoModelsOfOneCheckpointUnderTwoFamilies) {
  const std::string file = kCheckpoints + "speechbrain-c16.ckpt";
  const auto one = take(convert_checkpoint(request(file, "speechbrain", scratch_ / "one.pt")));
  const auto other = take(convert_checkpoint(request(file, "3dspeaker", scratch_ / "other.pt")));
  EXPECT_EQ(one.weights_digest, other.weights_digest);
  EXPECT_NE(one.identity, other.identity);
  EXPECT_EQ(one.identity, take(convert_checkpoint(request(file, "speechbrain", scratch_ / "again.pt"))).identity);
}

TEST_F(ConvertTest, KnowsACheckpointThatNeverSawABatch) {
  auto wanted = request(kCheckpoints + "speechbrain-c16.ckpt", "speechbrain", scratch_ / "x.pt");
  EXPECT_FALSE(take(convert_checkpoint(wanted)).trained);
  wanted.facts = R"({"trained": true})";
  EXPECT_TRUE(take(convert_checkpoint(wanted)).trained);
  // Without counters nothing says that it is untrained.
  EXPECT_TRUE(take(convert(write_checkpoint(tensors_of("speechbrain-c16.ckpt")))).trained);
}

TEST_F(ConvertTest, StoresHalfPrecisionInHalfTheSpace) {
  auto wanted = request(kCheckpoints + "speechbrain-c16.ckpt", "speechbrain", scratch_ / "full.pt");
  take(convert_checkpoint(wanted));
  wanted.storage = "fp16";
  wanted.out = scratch_ / "half.pt";
  EXPECT_EQ(json::parse(take(convert_checkpoint(wanted)).json).at("storage"), "fp16");
  EXPECT_LT(std::filesystem::file_size(wanted.out), std::filesystem::file_size(scratch_ / "full.pt"));
  EXPECT_TRUE(take(bundle::verify_bundle(wanted.out, "cpu", kShipped)).passed);
  Matrix features(40, 80);
  for (std::size_t i = 0; i < features.values.size(); ++i) {
    features.values[i] = static_cast<float>(std::sin(static_cast<double>(i * i % 997)));
  }
  const auto full = embed(*take(bundle::load_torch_model(scratch_ / "full.pt", "cpu", kShipped)), {features});
  const auto half = embed(*take(bundle::load_torch_model(wanted.out, "cpu", kShipped)), {features});
  EXPECT_LT(relative_error(half[0], full[0]), 5e-3);
  EXPECT_GT(relative_error(half[0], full[0]), 0);
}

TEST_F(ConvertTest, RefusesHalfPrecisionThatOverflows) {
  std::vector<NamedTensor> tensors = tensors_of("speechbrain-c16.ckpt");
  find(tensors, "mfa.conv.conv.weight").values[3] = 1e5F;
  write_file(scratch_ / "x.ckpt", write_checkpoint(tensors));
  auto wanted = request(scratch_ / "x.ckpt", "speechbrain", scratch_ / "x.pt");
  wanted.storage = "fp16";
  const auto manifest = convert_checkpoint(wanted);
  ASSERT_FALSE(manifest);
  EXPECT_EQ(manifest.error().code, ErrorCode::INVALID_ARGUMENT);
  EXPECT_THAT(manifest.error().message, HasSubstr("aggregate.weight"));

  wanted.storage = "fp32";
  wanted.out = scratch_ / "full.pt";
  take(convert_checkpoint(wanted));
  auto again = request(wanted.out, "", scratch_ / "half.pt");
  again.storage = "fp16";
  const auto narrowed = convert_checkpoint(again);
  ASSERT_FALSE(narrowed);
  EXPECT_EQ(narrowed.error().code, ErrorCode::INVALID_ARGUMENT);
  EXPECT_THAT(narrowed.error().message, HasSubstr("aggregate.weight"));
  EXPECT_FALSE(std::filesystem::exists(again.out));
}

TEST_F(ConvertTest, ComputesLargeLayersInInt8) {
  for (const std::string file : {"speechbrain-c16.ckpt", "wespeaker-glob-c16.ckpt"}) {
    SCOPED_TRACE(file);
    const std::string family = file.substr(0, file.find('-'));
    auto wanted = request(kCheckpoints + file, family, scratch_ / "full.pt");
    take(convert_checkpoint(wanted));
    wanted.precision = "int8";
    wanted.out = scratch_ / "int8.pt";
    EXPECT_EQ(take(convert_checkpoint(wanted)).precision, "int8");

    const auto full = take(bundle::load_torch_model(scratch_ / "full.pt", "cpu", kShipped));
    const auto int8 = take(bundle::load_torch_model(wanted.out, "cpu", kShipped));
    std::vector<Matrix> features;
    for (const std::size_t frames : {40U, 133U, 17U}) {
      Matrix& utterance = features.emplace_back(frames, 80);
      for (std::size_t i = 0; i < utterance.values.size(); ++i) {
        utterance.values[i] = static_cast<float>(std::sin(static_cast<double>(i * i % 997)));
      }
    }
    const auto expected = embed(*full, features);
    const auto together = embed(*int8, features);
    for (std::size_t i = 0; i < features.size(); ++i) {
      EXPECT_LT(relative_error(together[i], expected[i]), 0.3);
      EXPECT_GT(relative_error(together[i], expected[i]), 1e-5) << "nothing was computed in int8";
      // An activation's scale is its frame's own.
      EXPECT_EQ(embed(*int8, {features[i]})[0], together[i]);
    }

    const bundle::VerifyReport report = take(bundle::verify_bundle(wanted.out, "cpu", kShipped));
    EXPECT_TRUE(report.passed);
    EXPECT_GT(report.max_relative_error, 1e-2);
    wanted.storage = "fp16";
    wanted.out = scratch_ / "smaller.pt";
    take(convert_checkpoint(wanted));
    EXPECT_LT(std::filesystem::file_size(wanted.out), std::filesystem::file_size(scratch_ / "int8.pt"));
    EXPECT_TRUE(take(bundle::verify_bundle(wanted.out, "cpu", kShipped)).passed);
  }
}

TEST_F(ConvertTest, TakesABundleToInt8WithAllThatIsInIt) {
  auto wanted = request(kCheckpoints + "speechbrain-c16.ckpt", "speechbrain", scratch_ / "full.pt");
  wanted.facts = R"({"licence": {"name": "CC-BY-4.0"}})";
  wanted.storage = "fp16";
  take(convert_checkpoint(wanted));
  take(bundle::update_manifest(wanted.out, "{}", wanted.out, {{"note.txt", "kept"}}));

  auto again = request(wanted.out, "", scratch_ / "int8.pt");
  again.id = "smaller";
  again.precision = "int8";
  const bundle::Manifest manifest = take(convert_checkpoint(again));
  EXPECT_EQ(manifest.id, "smaller");
  EXPECT_EQ(manifest.precision, "int8");
  const json written = json::parse(manifest.json);
  EXPECT_EQ(written.at("licence").at("name"), "CC-BY-4.0");
  EXPECT_EQ(written.at("storage"), "fp16");
  EXPECT_EQ(written.at("source").at("bundle").at("weightsDigest"),
            take(bundle::read_manifest(wanted.out)).weights_digest);
  EXPECT_THAT(read_file(again.out), HasSubstr("note.txt"));
  EXPECT_TRUE(take(bundle::verify_bundle(again.out, "cpu", kShipped)).passed);

  const auto refusal = [&](const ConvertRequest& request) {
    const auto refused = convert_checkpoint(request);
    return refused ? Error{} : refused.error();
  };
  auto other = again;
  other.family = "wespeaker";
  EXPECT_EQ(refusal(other).code, ErrorCode::INVALID_ARGUMENT);
  other = again;
  other.checkpoint = again.out;
  EXPECT_EQ(refusal(other).code, ErrorCode::INVALID_ARGUMENT);
  EXPECT_THAT(refusal(other).message, HasSubstr("in int8 already"));
}

TEST_F(ConvertTest, RefusesInt8WhereItMovesTrainedEmbeddings) {
  // The large values of one channel, which no output looks at, leave the others no steps of their common scale.
  std::vector<NamedTensor> tensors = tensors_of("speechbrain-c16.ckpt");
  for (const std::string block : {"blocks.1.", "blocks.2.", "blocks.3."}) {
    find(tensors, block + "tdnn1.norm.norm.weight").values[0] = 1e6F;
    NamedTensor& leave = find(tensors, block + "tdnn2.conv.conv.weight");
    for (std::size_t i = 0; i < leave.values.size(); i += static_cast<std::size_t>(leave.shape[1])) {
      leave.values[i] = 0;
    }
  }
  write_file(scratch_ / "x.ckpt", write_checkpoint(tensors));
  auto wanted = request(scratch_ / "x.ckpt", "speechbrain", scratch_ / "x.pt");
  take(convert_checkpoint(wanted));
  wanted.precision = "int8";
  wanted.out = scratch_ / "int8.pt";
  const auto manifest = convert_checkpoint(wanted);
  ASSERT_FALSE(manifest);
  EXPECT_EQ(manifest.error().code, ErrorCode::MODEL_INVALID);
  EXPECT_THAT(manifest.error().message, HasSubstr("keep it in fp32"));
  EXPECT_FALSE(std::filesystem::exists(wanted.out));
}

TEST_F(ConvertTest, NoticesThatInt8WeightsAreDamaged) {
  auto wanted = request(kCheckpoints + "speechbrain-c16.ckpt", "speechbrain", scratch_ / "int8.pt");
  wanted.precision = "int8";
  take(convert_checkpoint(wanted));
  std::string bytes = read_file(wanted.out);
  // The tensors lie uncompressed; every byte of one of them that is changed is another weight or scale.
  const std::size_t data = bytes.find("/data/0");
  ASSERT_NE(data, bytes.npos);
  bytes[data + 200] = static_cast<char>(bytes[data + 200] ^ 1);
  write_file(wanted.out, bytes);
  const auto model = bundle::load_torch_model(wanted.out, "cpu", kShipped);
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::MODEL_INVALID);
}

// ------------------------------------------------------------------------------------------- checkpoints at fault

TEST_F(ConvertTest, NamesAMissingTensor) {
  const Error error = refusal_after([](auto& tensors) {
    std::erase_if(tensors, [](const NamedTensor& t) { return t.name == "blocks.2.tdnn1.norm.norm.running_var"; });
  });
  EXPECT_EQ(error.code, ErrorCode::MODEL_INVALID);
  EXPECT_THAT(error.message, HasSubstr("missing tensor 'blocks.2.tdnn1.norm.norm.running_var'"));
}

TEST_F(ConvertTest, NamesARenamedTensorByBothNames) {
  const Error error = refusal_after([](auto& tensors) { find(tensors, "fc.conv.bias").name = "fc.conv.offset"; });
  EXPECT_EQ(error.code, ErrorCode::MODEL_INVALID);
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("missing tensor 'fc.conv.bias'"), HasSubstr("unexpected tensor 'fc.conv.offset'")));
}

TEST_F(ConvertTest, NamesATransposedTensor) {
  const Error error = refusal_after([](auto& tensors) { find(tensors, "mfa.conv.conv.weight").shape = {48, 24, 1}; });
  EXPECT_EQ(error.code, ErrorCode::MODEL_INVALID);
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("tensor 'mfa.conv.conv.weight' of shape [48, 24, 1]"), HasSubstr("is 24 elsewhere")));
  const Error kernel = refusal_after([](auto& tensors) {
    find(tensors, "blocks.1.res2net_block.blocks.0.conv.conv.weight").shape = {3, 2, 2};
  });
  EXPECT_THAT(kernel.message, HasSubstr("'blocks.1.res2net_block.blocks.0.conv.conv.weight'"));
  EXPECT_THAT(kernel.message, HasSubstr("a kernel of 2 where one of 3 belongs"));
}

TEST_F(ConvertTest, NamesEveryTensorThatIsNotFinite) {
  const Error error = refusal_after([](auto& tensors) {
    find(tensors, "asp.conv.conv.weight").values[5] = std::numeric_limits<float>::quiet_NaN();
    find(tensors, "fc.conv.bias").values[0] = std::numeric_limits<float>::infinity();
  });
  EXPECT_EQ(error.code, ErrorCode::MODEL_INVALID);
  EXPECT_THAT(error.message, AllOf(HasSubstr("'asp.conv.conv.weight' holds NaN at element 5"),
                                   HasSubstr("'fc.conv.bias' holds infinity")));
}

TEST_F(ConvertTest, NamesATensorOfWholeNumbers) {
  const std::vector<NamedTensor> tensors = tensors_of("speechbrain-c16.ckpt");
  ZipWriter zip;
  PickleWriter pickle;
  pickle.ordered_dict().raw("(");
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto count = static_cast<std::int64_t>(tensors[i].values.size());
    const bool integer = tensors[i].name == "fc.conv.bias";
    pickle.text(tensors[i].name)
        .tensor(integer ? "IntStorage" : "FloatStorage", std::to_string(i), count, 0, tensors[i].shape,
                contiguous(tensors[i].shape));
    zip.add("archive/data/" + std::to_string(i), raw_bytes(tensors[i].values));
  }
  zip.add("archive/data.pkl", pickle.raw("u").finish());
  const Error error = refusal(zip.finish());
  EXPECT_EQ(error.code, ErrorCode::MODEL_INVALID);
  EXPECT_THAT(error.message, HasSubstr("tensor 'fc.conv.bias' of shape [32]: int32"));
}

TEST_F(ConvertTest, SaysThatAFamilyIsAnother) {
  const Error error = refusal_after([](auto&) {}, "wespeaker");
  EXPECT_EQ(error.code, ErrorCode::MODEL_INVALID);
  EXPECT_THAT(error.message, AllOf(HasSubstr("no wespeaker"), HasSubstr("missing tensor"), HasSubstr("more")));
}

TEST_F(ConvertTest, SaysThatAnArchitectureIsUnknown) {
  const std::vector<NamedTensor> resnet = {{"conv1.0.weight", {4, 3, 7, 7}, std::vector<float>(4 * 3 * 49, 0.5F)},
                                           {"fc.weight", {2, 4}, std::vector<float>(8, 0.5F)}};
  const Error error = refusal(write_checkpoint(resnet), "");
  EXPECT_EQ(error.code, ErrorCode::MODEL_INVALID);
  EXPECT_THAT(error.message, AllOf(HasSubstr("another architecture"), HasSubstr("conv1.0.weight")));
  EXPECT_THAT(refusal(write_checkpoint(resnet), "speechbrain").message, HasSubstr("missing tensor"));
}

TEST_F(ConvertTest, NamesArchitecturesThatPeopleHaveCheckpointsOf) {
  const auto said = [&](const std::string& tensor, const std::string& family) {
    const std::vector<NamedTensor> tensors = {{"conv1.weight", {2, 1, 3, 3}, std::vector<float>(18, 0.5F)},
                                              {"layer1.0.conv1.weight", {2, 2, 1, 1}, std::vector<float>(4, 0.5F)},
                                              {tensor, {2}, std::vector<float>(2, 0.5F)}};
    return refusal(write_checkpoint(tensors), family);
  };
  for (const char* family : {"", "campplus"}) {
    const Error error = said("fuse_mode12.local_att.0.weight", family);
    EXPECT_EQ(error.code, ErrorCode::MODEL_INVALID);
    EXPECT_THAT(error.message, AllOf(HasSubstr("a checkpoint of ERes2Net (it has"), HasSubstr("not supported"),
                                     HasSubstr("there are 3dspeaker, campplus")));
    EXPECT_THAT(said("fuse34.local_att.0.weight", family).message, HasSubstr("of ERes2NetV2 (it has"));
    EXPECT_THAT(said("layer1.0.convs.0.weight", family).message, HasSubstr("of Res2Net (it has"));
    EXPECT_THAT(said("layer1.0.bn1.weight", family).message, HasSubstr("of ResNet (it has"));
  }
}

// ------------------------------------------------------------------------------------------- CAM++

TEST_F(ConvertTest, RecognisesCampplusAndReadsTheEmbeddingsSizeFromItsTensors) {
  const std::string fixture = kCheckpoints + "campplus-w2.safetensors";
  const auto manifest = take(convert_checkpoint(request(fixture, "", scratch_ / "x.pt")));
  EXPECT_EQ(manifest.family, "campplus");
  EXPECT_EQ(manifest.embedding_dim, 32U);
  EXPECT_EQ(manifest.shortest_frames, 3U);
  EXPECT_EQ(manifest.front_end.type, "kaldi");
  EXPECT_EQ(manifest.front_end.window, "povey");
  EXPECT_EQ(manifest.front_end.mel_bins, 80);
  EXPECT_TRUE(manifest.front_end.subtract_mean);
  EXPECT_TRUE(manifest.pauses);
  EXPECT_EQ(json::parse(manifest.json).at("network"), json({{"featureDim", 80}, {"width", 2}, {"embeddingDim", 32}}));

  // VoxCeleb's model has 512 dimensions.
  std::vector<NamedTensor> tensors = tensors_of("campplus-w2.safetensors");
  find(tensors, "xvector.dense.linear.weight") = {
      "xvector.dense.linear.weight", {512, 64, 1}, std::vector<float>(512 * 64, 0.25F)};
  for (const std::string part : {"running_mean", "running_var"}) {
    const std::string name = "xvector.dense.nonlinear.batchnorm." + part;
    find(tensors, name) = {name, {512}, std::vector<float>(512, 0.5F)};
  }
  EXPECT_EQ(take(convert(write_checkpoint(tensors), "")).embedding_dim, 512U);
}

TEST_F(ConvertTest, NamesATensorOfCampplusWithAnotherKernel) {
  std::vector<NamedTensor> tensors = tensors_of("campplus-w2.safetensors");
  find(tensors, "head.conv1.weight") = {"head.conv1.weight", {2, 1, 5, 3}, std::vector<float>(30, 0.5F)};
  const Error error = refusal(write_checkpoint(tensors), "");
  EXPECT_EQ(error.code, ErrorCode::MODEL_INVALID);
  EXPECT_THAT(error.message, HasSubstr("'head.conv1.weight' of shape [2, 1, 5, 3]: 5 where 3 belongs"));
}

TEST_F(ConvertTest, RefusesCampplusInInt8) {
  auto wanted = request(kCheckpoints + "campplus-w2.safetensors", "campplus", scratch_ / "x.pt");
  const auto refusal_of = [&] {
    const auto manifest = convert_checkpoint(wanted);
    return manifest ? Error{ErrorCode::INTERNAL, "it was converted"} : manifest.error();
  };
  wanted.precision = "int8";
  EXPECT_EQ(refusal_of().code, ErrorCode::INVALID_ARGUMENT);
  EXPECT_THAT(refusal_of().message, HasSubstr("int8 is for ECAPA-TDNN, and campplus is another network"));
  EXPECT_THAT(files_in(scratch_), IsEmpty());
  wanted.precision = "fp32";
  take(convert_checkpoint(wanted));
  wanted.checkpoint = wanted.out;
  wanted.out = scratch_ / "y.pt";
  wanted.precision = "int8";
  EXPECT_THAT(refusal_of().message, HasSubstr("int8 is for ECAPA-TDNN, and campplus is another network"));
}

TEST_F(ConvertTest, StoresCampplusInHalfPrecision) {
  auto wanted = request(kCheckpoints + "campplus-w2.safetensors", "campplus", scratch_ / "x.pt");
  wanted.storage = "fp16";
  take(convert_checkpoint(wanted));
  EXPECT_TRUE(take(bundle::verify_bundle(wanted.out, "cpu", kShipped)).passed);
}

TEST_F(ConvertTest, RefusesSizesOfNothing) {
  const Error error = refusal_after([](auto& tensors) {
    for (const char* name : {"asp.tdnn.conv.conv.bias", "asp.tdnn.norm.norm.weight", "asp.tdnn.norm.norm.bias",
                             "asp.tdnn.norm.norm.running_mean", "asp.tdnn.norm.norm.running_var"}) {
      find(tensors, name) = {name, {0}, {}};
    }
    find(tensors, "asp.tdnn.conv.conv.weight") = {"asp.tdnn.conv.conv.weight", {0, 72, 1}, {}};
    find(tensors, "asp.conv.conv.weight") = {"asp.conv.conv.weight", {24, 0, 1}, {}};
  });
  EXPECT_EQ(error.code, ErrorCode::MODEL_INVALID);
  EXPECT_THAT(error.message, HasSubstr("asp.conv.conv.weight"));
}

TEST_F(ConvertTest, NeverRunsWhatAPickleAsksFor) {
  const std::string witness = scratch_ / "witness";
  ZipWriter zip;
  zip.add("archive/data.pkl",
          PickleWriter().global("os", "system").raw("(").text("touch " + witness).raw("tR").finish());
  write_file(scratch_ / "evil.ckpt", zip.finish());
  const auto manifest = convert_checkpoint(request(scratch_ / "evil.ckpt", "", scratch_ / "x.pt"));
  ASSERT_FALSE(manifest);
  EXPECT_EQ(manifest.error().code, ErrorCode::MODEL_INVALID);
  EXPECT_THAT(manifest.error().message, HasSubstr("os.system"));
  EXPECT_FALSE(std::filesystem::exists(witness));
}

TEST_F(ConvertTest, RefusesAZipBombWithoutUnpackingIt) {
  ZipWriter zip;
  zip.add("archive/data.pkl", std::string(1000, '\0'), {.method = 8, .size = 0x7fffffff});
  EXPECT_EQ(refusal(zip.finish(), "").code, ErrorCode::MODEL_INVALID);
}

TEST_F(ConvertTest, RefusesAPrecisionThatThereIsNot) {
  auto wanted = request(kCheckpoints + "speechbrain-c16.ckpt", "speechbrain", scratch_ / "x.pt");
  wanted.precision = "int4";
  const auto manifest = convert_checkpoint(wanted);
  ASSERT_FALSE(manifest);
  EXPECT_EQ(manifest.error().code, ErrorCode::INVALID_ARGUMENT);
  EXPECT_THAT(manifest.error().message, HasSubstr("neither fp32 nor int8"));
}

TEST_F(ConvertTest, RefusesRequestsThatMakeNoSense) {
  const std::string good = kCheckpoints + "speechbrain-c16.ckpt";
  const auto error_of = [&](const std::function<void(ConvertRequest&)>& change) {
    ConvertRequest wanted = request(good, "speechbrain", scratch_ / "x.pt");
    change(wanted);
    const auto manifest = convert_checkpoint(wanted);
    EXPECT_THAT(files_in(scratch_), IsEmpty());
    return manifest ? Error{ErrorCode::INTERNAL, "it was converted"} : manifest.error();
  };
  const Error family = error_of([](auto& r) { r.family = "speechbrian"; });
  EXPECT_EQ(family.code, ErrorCode::INVALID_ARGUMENT);
  EXPECT_THAT(family.message, AllOf(HasSubstr("'speechbrian'"), HasSubstr("taoruijie")));
  EXPECT_EQ(error_of([](auto& r) { r.id = "../evil"; }).code, ErrorCode::INVALID_ARGUMENT);
  EXPECT_EQ(error_of([](auto& r) { r.facts = "[1]"; }).code, ErrorCode::INVALID_ARGUMENT);
  EXPECT_THAT(error_of([](auto& r) { r.facts = R"({"frontEnd": {"type": "kaldi"}})"; }).message,
              HasSubstr("'frontEnd' follows from the tensors"));
  EXPECT_EQ(error_of([](auto& r) { r.storage = "int4"; }).code, ErrorCode::INVALID_ARGUMENT);
  EXPECT_EQ(error_of([](auto& r) { r.checkpoint = "/nowhere.ckpt"; }).code, ErrorCode::MODEL_NOT_FOUND);
  EXPECT_EQ(error_of([](auto& r) { r.trust = {"/nowhere"}; }).code, ErrorCode::MODEL_NOT_FOUND);
  EXPECT_EQ(error_of([](auto& r) { r.checkpoint = TIMBRE_SKELETONS "/speechbrain.pt"; }).code,
            ErrorCode::MODEL_INVALID);
}

// ------------------------------------------------------------------------------------------- files at fault

/// The largest file that this process may write, until the end of the scope.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

TEST_F(ConvertTest, LeavesTheOlderBundleWhereTheNewOneDoesNotFit) {
  const std::string path = bundle();
  const std::string before = read_file(path);
  auto wanted = request(kCheckpoints + "wespeaker-glob-c16.ckpt", "", path);
  const auto manifest = [&] {
    const FileSizeLimit limit(20000);
    return convert_checkpoint(wanted);
  }();
  ASSERT_FALSE(manifest);
  EXPECT_EQ(manifest.error().code, ErrorCode::WRITE_FAILED);
  EXPECT_THAT(manifest.error().message, HasSubstr("bundle.pt"));
  EXPECT_THAT(files_in(scratch_), ::testing::ElementsAre("bundle.pt"));
  EXPECT_EQ(read_file(path), before);
}

TEST_F(ConvertTest, SaysThatAFolderMayNotBeWrittenTo) {
  const std::string path = bundle();
  const std::string folder = scratch_ / "read-only";
  std::filesystem::create_directory(folder);
  ASSERT_EQ(chmod(scratch_.folder().c_str(), 0755), 0);
  ASSERT_EQ(chmod(folder.c_str(), 0555), 0);
  const bool root = geteuid() == 0;  // root may write anywhere
  if (root) {
    ASSERT_EQ(seteuid(65534), 0);
  }
  const auto manifest = bundle::update_manifest(path, "", folder + "/x.pt");
  if (root) {
    ASSERT_EQ(seteuid(0), 0);
  }
  ASSERT_FALSE(manifest);
  EXPECT_EQ(manifest.error().code, ErrorCode::WRITE_FAILED);
  EXPECT_THAT(manifest.error().message, AllOf(HasSubstr("read-only/x.pt"), HasSubstr("may write to")));
}

TEST_F(ConvertTest, SaysThatThereIsNoSuchFolder) {
  const auto manifest = bundle::update_manifest(bundle(), "", scratch_ / "no/such/x.pt");
  ASSERT_FALSE(manifest);
  EXPECT_EQ(manifest.error().code, ErrorCode::WRITE_FAILED);
  EXPECT_THAT(manifest.error().message, HasSubstr("make its folder first"));
  EXPECT_EQ(bundle::update_manifest(bundle(), "", scratch_.folder().string()).error().code, ErrorCode::WRITE_FAILED);
}

// ------------------------------------------------------------------------------------------- facts added later

TEST_F(ConvertTest, AddsFactsToABundleWithoutTouchingItsTensors) {
  const std::string path = bundle();
  const bundle::Manifest before = take(bundle::read_manifest(path));
  const std::string facts =
      R"({"calibration": {"offset": -3.5, "scale": 9.25}, "source": {"bytes": null}, "id": "renamed"})";
  const bundle::Manifest after =
      take(bundle::update_manifest(path, facts, path, {{"cohort.bin", std::string("\0\1\2", 3)}}));
  EXPECT_EQ(after.id, "renamed");
  EXPECT_EQ(after.weights_digest, before.weights_digest);
  EXPECT_EQ(after.identity, before.identity);
  EXPECT_EQ(json::parse(after.json).at("identity").at("value"), before.identity);
  EXPECT_EQ(json::parse(after.json).at("calibration").at("scale"), 9.25);
  EXPECT_FALSE(json::parse(after.json).at("source").contains("bytes"));
  EXPECT_EQ(take(bundle::read_manifest(path)).json, after.json);
  EXPECT_TRUE(take(bundle::verify_bundle(path, "cpu", kShipped)).passed);

  const auto extra = [&] {
    const archive::ZipArchive archive = take(archive::ZipArchive::open(take(archive::ByteSource::open(path))));
    const std::string root = archive.members().begin()->first.substr(0, archive.members().begin()->first.find('/'));
    return archive.find(root + "/extra/cohort.bin") == nullptr ? "" : take(archive.read(root + "/extra/cohort.bin", 9));
  };
  EXPECT_EQ(extra(), std::string("\0\1\2", 3));
  take(bundle::update_manifest(path, "{}", path));
  EXPECT_EQ(extra(), std::string("\0\1\2", 3));
  take(bundle::update_manifest(path, "{}", path, {{"cohort.bin", ""}}));
  EXPECT_EQ(extra(), "");
}

TEST_F(ConvertTest, RefusesFactsThatWouldSpoilABundle) {
  const std::string path = bundle();
  const std::string before = read_file(path);
  for (const char* facts : {"no json", "3", R"({"weightsDigest": {}})", R"({"id": null})", R"({"trained": "yes"})"}) {
    const auto manifest = bundle::update_manifest(path, facts, path);
    ASSERT_FALSE(manifest) << facts;
    EXPECT_EQ(manifest.error().code, ErrorCode::INVALID_ARGUMENT) << facts;
  }
  EXPECT_EQ(bundle::update_manifest(kCheckpoints + "speechbrain-c16.ckpt", "{}", path).error().code,
            ErrorCode::MODEL_INVALID);
  EXPECT_EQ(read_file(path), before);
}

}  // namespace
}  // namespace timbre::checkpoint
